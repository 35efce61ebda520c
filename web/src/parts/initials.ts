/** The styles know so many colours. */
const HUES = 12;

/** Returns the colour of an id, as a number from 0 on. */
export function hueOf(id: string): number {
  let sum = 0;
  for (let index = 0; index < id.length; index += 1) sum = (sum * 31 + id.charCodeAt(index)) >>> 0;
  return sum % HUES;
}

/** Returns the first letters of the first and the last word, or `?` if there is no letter. */
export function initialsOf(name: string): string {
  const words = name.match(/[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu) ?? [];
  const [first, ...others] = words;
  if (first === undefined) return '?';
  return [first, others.at(-1)].map((word) => firstLetter(word ?? '')).join('');
}

function firstLetter(word: string): string {
  return (word.match(/^.\p{M}*/u)?.[0] ?? '').toUpperCase();
}
