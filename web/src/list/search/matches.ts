import type { Conversation } from '../../../../clients/js/src/protocol/shapes.ts';

/** Tells whether each word begins a word of the conversation's name or of a participant's. */
export function matches({ name, participants }: Conversation, words: string): boolean {
  const names = [name, ...participants.map((one) => one.name)].flatMap(wordsOf);
  return wordsOf(words).every((word) => names.some((one) => one.startsWith(word)));
}

/** Upper and lower case are the same, and so are letters with and without accents. */
function wordsOf(text: string): string[] {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{Diacritic}/gu, '')
    .toLowerCase();
  return plain.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
}

/** A text that was found is split into pieces, of which some are what was looked for. */
type Piece = { text: string; isFound: boolean; start: number };

/** Splits a text at the ranges, each a start and a length in code points. */
export function piecesOf(text: string, ranges: readonly (readonly [number, number])[]): Piece[] {
  const points = [...text];
  const pieces: Piece[] = [];
  let at = 0;
  const add = (until: number, isFound: boolean): void => {
    const piece = points.slice(at, until).join('');
    if (piece !== '') pieces.push({ text: piece, isFound, start: at });
    at = Math.max(at, until);
  };
  for (const [start, length] of [...ranges].sort(([a], [b]) => a - b)) {
    add(start, false);
    add(start + length, true);
  }
  add(points.length, false);
  return pieces;
}
