/** An asset may be kept compressed in these ways. The first one is the smallest. */
export const ENCODINGS = ['br', 'gzip'] as const;

export type Encoding = (typeof ENCODINGS)[number];

/**
 * Chooses the smallest form that the client takes, by its header `Accept-Encoding` (RFC 9110
 * 12.5.3). An encoding with the weight 0 is refused. Undefined stands for no compression.
 */
export function chooseEncoding(
  acceptEncoding: string,
  offered: readonly Encoding[],
): Encoding | undefined {
  const weights = new Map<string, number>();
  for (const part of acceptEncoding.toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim());
    const weight = parameters.find((text) => text.startsWith('q='));
    if (name !== '') weights.set(name, weight === undefined ? 1 : Number(weight.slice(2)));
  }
  const takes = (name: Encoding): boolean => (weights.get(name) ?? weights.get('*') ?? 0) > 0;
  return ENCODINGS.find((name) => offered.includes(name) && takes(name));
}
