import Type from 'typebox';

// biome-ignore lint/complexity/useRegexLiterals: the target of tsc knows no flag v, Node 20 does
const RGI = new RegExp('^\\p{RGI_Emoji}$', 'v');
const ELEMENT = '[\\p{Basic_Emoji}\\p{RGI_Emoji_Modifier_Sequence}]';
/**
 * This pattern accepts ZWJ sequences that are not in RGI, because keyboards make families with a
 * skin tone for each person.
 */
const JOINED = new RegExp(`^${ELEMENT}(?:\\u200D${ELEMENT})+$`, 'v');
const VARIATION_SELECTORS = /\uFE0F/g;
/**
 * A character that is text by default is shown as an emoji only with a variation selector behind
 * it. It needs no selector before a skin tone.
 */
const TEXT_BY_DEFAULT =
  /(?=\p{Emoji})(?!\p{Emoji_Presentation}|\p{Emoji_Modifier})(.)(?!\p{Emoji_Modifier})/gu;

/** The longest sequences (families with skin tones, flags by tags) have 10 to 14 code points. */
export const EmojiField = Type.String({
  minLength: 1,
  maxLength: 16,
  description: 'The value is one emoji: of RGI (Unicode), or several joined by ZWJ.',
});

/**
 * Returns the one way to write an emoji, or undefined if the text is not exactly one emoji. This
 * function puts variation selectors where Unicode wants them, so that a heart is the same reaction
 * with its selector and without. RGI (UTS #51) is the list of all that people see as one picture:
 * flags that exist, keycaps, skin tones, and ZWJ sequences. Other emoji that are joined by ZWJ
 * count as one emoji too. Each of these is one grapheme, so no segmenter is needed.
 */
export function canonicalEmoji(text: string): string | undefined {
  if (isEmoji(text)) return text;
  const bare = text.replace(VARIATION_SELECTORS, '');
  const full = bare.replace(TEXT_BY_DEFAULT, '$1\uFE0F');
  return isEmoji(full) ? full : undefined;
}

function isEmoji(text: string): boolean {
  return RGI.test(text) || JOINED.test(text);
}

/** The schema cannot check that a text is exactly one emoji. */
export function emojiProblem(text: string): string | undefined {
  return canonicalEmoji(text) === undefined ? 'emoji: must be exactly one emoji' : undefined;
}
