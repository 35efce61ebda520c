/** Code points of the message replied to that are shown. */
const CODE_POINTS = 140;

/** A code point is at most two units, so a slice of twice as many surely holds them. */
export function previewOf(content: string): string {
  if (content.length <= CODE_POINTS) return content;
  return [...content.slice(0, CODE_POINTS * 2)].slice(0, CODE_POINTS).join('');
}
