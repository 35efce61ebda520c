import type { SourceFile } from './read-tree.ts';

/** A sentence that opens with one of these words names what it is about too late, or never. */
const REFUSED_OPENINGS: ReadonlySet<string> = new Set(
  [
    // Question words: such an opening is the object of a sentence that nobody wrote.
    'What Who Whom Whose Which Where When Why How Whether Whoever Whatever Wherever Whenever',
    // Prepositions.
    'Of In On At For By With Without From To Up Into Under Over Beside Behind Below Above Beyond',
    'Between Within Among Against During Per Despite Except',
    // Conjunctions.
    'As If While Until Till Since Because Though Although Unless Once After Before And But Or Nor',
    'So Than Like',
    // Pronouns that nothing before them explains.
    'It Its They Them Their Theirs That Those',
    // Adverbs, participles and values, without the verb that they belong to.
    'Not None Only Also Even Else Then Longer Told Answered True False Undefined Null Empty',
  ].flatMap((words) => words.split(' ')),
);

const OPENING = /\/\*\*(?!\/)[\s*]*([A-Za-z]+)[^\n]*/g;
const SHOWN_CHARACTERS = 50;

/**
 * Finds doc comments that open without a subject. The verb of a function ("Sends the frame") counts
 * as a subject: the function is what it is about.
 */
export function findSubjectlessComments({ path, comments }: SourceFile): string[] {
  return [...comments.matchAll(OPENING)]
    .filter(([, word]) => REFUSED_OPENINGS.has(word as string))
    .map(({ 0: comment, index }) => {
      const line = comments.slice(0, index).split('\n').length;
      const opening = comment.replace(/^\/\*\*[\s*]*|\s*\*\/.*$/g, '');
      return `${path}:${line}: ${opening.slice(0, SHOWN_CHARACTERS)}`;
    });
}
