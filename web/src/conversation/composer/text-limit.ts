/** A message has at most so many characters, which are Unicode code points. */
export const CHARACTERS_MAX = 8_000;
/** From this many left on, the composer tells how many there are. */
const TOLD_FROM = 500;

type TextLimit = {
  /** The text is blank or too long. */
  isRefused: boolean;
  /** Only a text that comes near to the limit has a hint. */
  hint?: string;
};

/** Judges a text as the server will. */
export function limitOf(text: string): TextLimit {
  const left = CHARACTERS_MAX - lengthOf(text);
  const isRefused = text.trim() === '' || left < 0;
  if (left > TOLD_FROM) return { isRefused };
  if (left < 0) return { isRefused, hint: `${-left} ${plural(-left)} too many` };
  return { isRefused, hint: `${left} ${plural(left)} left` };
}

/** A text of so few units cannot be near to the limit, so most texts are not walked through. */
function lengthOf(text: string): number {
  return text.length < CHARACTERS_MAX - TOLD_FROM ? text.length : [...text].length;
}

function plural(count: number): string {
  return count === 1 ? 'character' : 'characters';
}
