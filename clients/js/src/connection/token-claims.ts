/** The claims of a token that the client looks at. It does not judge the token. */
type TokenClaims = { sub?: string; exp?: number };

type Globals = { atob(text: string): string };

/** Reads the claims. A token that is no JWT has none. */
export function readClaims(token: string): TokenClaims {
  try {
    const part = token.split('.')[1] ?? '';
    const { atob } = globalThis as unknown as Globals;
    const bytes = atob(part.replaceAll('-', '+').replaceAll('_', '/'));
    const { sub, exp } = JSON.parse(bytes) as Record<string, unknown>;
    return {
      ...(typeof sub === 'string' && { sub }),
      ...(typeof exp === 'number' && { exp }),
    };
  } catch (error) {
    return error instanceof Error ? {} : {};
  }
}
