/** A line shows at most so many characters as a person counts them, in so many bytes of UTF-8. */
type LineBound = { visible: number; bytes: number };

const ELLIPSIS = '…';
const ELLIPSIS_BYTES = 3;
/** No emoji has as many code points. A letter has them only under a heap of marks. */
const CHARACTER_CODE_POINTS_MAX = 32;
/** Nobody looks at what lies behind these. The bound keeps the work small. */
const UNITS_A_CHARACTER = 64;

const LONE_SURROGATE = /\p{Surrogate}/gu;
/** An embedding or an override that is never closed turns what others wrote. */
const TURNING = /[\u202a-\u202e\u2066-\u2069]/gu;
const GAP = /[\s\p{Cc}]+/gu;
const SHOWN = /[^\p{Default_Ignorable_Code_Point}\s]/u;

const characters = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * Makes one line of a text, and cuts it between two characters as a person sees them: an emoji of
 * several parts stays whole, and a letter keeps its marks. A cut ends with "…", which counts. Line
 * breaks and controls become a space. Characters that turn the direction of text are left out, but
 * for marks that turn nothing beyond themselves. The line is empty if the text shows nothing.
 */
export function cutLine(text: string, bound: LineBound): string {
  const looked = text.slice(0, bound.visible * UNITS_A_CHARACTER);
  const line = looked.replace(LONE_SURROGATE, '').replace(TURNING, '').replace(GAP, ' ').trim();
  if (!SHOWN.test(line)) return '';
  const kept: string[] = [];
  let bytes = 0;
  for (const { segment } of characters.segment(line)) {
    const character = [...segment].slice(0, CHARACTER_CODE_POINTS_MAX).join('');
    bytes += Buffer.byteLength(character);
    if (kept.length === bound.visible || bytes > bound.bytes) return ended(kept, bound);
    kept.push(character);
  }
  return looked.length < text.length ? ended(kept, bound) : kept.join('');
}

function ended(kept: readonly string[], { visible, bytes }: LineBound): string {
  const line = kept.slice(0, visible - 1);
  while (Buffer.byteLength(line.join('')) > bytes - ELLIPSIS_BYTES) line.pop();
  return `${line.join('').trimEnd()}${ELLIPSIS}`;
}
