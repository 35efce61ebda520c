const CODE_POINTS = 140;

/**
 * Shortens the content of a message to 140 code points, for the preview that a reply shows. A code
 * point has at most two UTF-16 units, so the first 280 units surely hold 140 code points.
 */
export function previewOf(content: string): string {
  if (content.length <= CODE_POINTS) return content;
  return [...content.slice(0, CODE_POINTS * 2)].slice(0, CODE_POINTS).join('');
}
