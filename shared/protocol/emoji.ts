import Type from 'typebox';

// biome-ignore lint/complexity/useRegexLiterals: the target of tsc knows no flag v, Node 20 does
const RGI = new RegExp('^\\p{RGI_Emoji}$', 'v');
const ELEMENT = '[\\p{Basic_Emoji}\\p{RGI_Emoji_Modifier_Sequence}]';
/** A ZWJ sequence that is on no list: keyboards make families with a skin tone for each. */
const JOINED = new RegExp(`^${ELEMENT}(?:\\u200D${ELEMENT})+$`, 'v');
const VARIATION_SELECTORS = /\uFE0F/g;
/** What is text by default takes a selector to be shown as an emoji, save before a skin tone. */
const TEXT_BY_DEFAULT =
  /(?=\p{Emoji})(?!\p{Emoji_Presentation}|\p{Emoji_Modifier})(.)(?!\p{Emoji_Modifier})/gu;

/** The longest sequences (families with skin tones, flags by tags) have 10 to 14 code points. */
export const EmojiField = Type.String({
  minLength: 1,
  maxLength: 16,
  description: 'One emoji: recommended for general interchange (Unicode, RGI), or a ZWJ sequence',
});

/**
 * The one way to write an emoji, or undefined where it is not exactly one. With or without its
 * selector a heart is the same reaction: they are put where Unicode wants them. RGI (UTS #51) is
 * the list of what people see as one picture: flags that exist, keycaps, skin tones, ZWJ sequences.
 * Emoji joined otherwise are one too. Each is one grapheme, so no segmenter is needed.
 */
export function canonicalEmoji(text: string): string | undefined {
  if (isOne(text)) return text;
  const bare = text.replace(VARIATION_SELECTORS, '');
  const full = bare.replace(TEXT_BY_DEFAULT, '$1\uFE0F');
  return isOne(full) ? full : undefined;
}

function isOne(text: string): boolean {
  return RGI.test(text) || JOINED.test(text);
}

/** What no schema can say of an emoji. */
export function emojiProblem(text: string): string | undefined {
  return canonicalEmoji(text) === undefined ? 'emoji: must be exactly one emoji' : undefined;
}
