import type { SourceFile } from './read-tree.ts';
import { hasVerb } from './verbs.ts';

const wordsOf = (...lines: string[]): ReadonlySet<string> =>
  new Set(lines.flatMap((line) => line.split(' ')));

/** A sentence that opens with one of these words names its subject too late, or never. */
const REFUSED = wordsOf(
  // Question words open the object of a sentence that nobody wrote.
  'What Who Whom Whose Which Why How Whether Whoever Whatever',
  'Of To Up Like Than As And But Or Nor',
  // Pronouns need a noun before them.
  'It Its They Them Their Theirs That Those',
  // Adverbs, participles and values need a verb.
  'Not None Also Even Else Then Longer Told Answered True False Undefined Null Empty',
);
/** A clause or phrase that opens with one of these words needs a main clause, behind a comma. */
const NEEDS_MAIN_CLAUSE = wordsOf(
  'If When While Where Until Till Since Because Though Although Unless Once After Before',
  'In On For By With Without From Into Under Over Beside Behind Below Above Beyond Between',
  'Within Among Against During Per Despite Except',
);
const MAIN_CLAUSE = /, (?!and |or |but |nor )[A-Za-z`].*/;

const DOC_COMMENT = /\/\*\*(?!\/)([\s\S]*?)\*\//g;
const SHOWN_CHARACTERS = 50;

/**
 * Finds doc comments that open without a subject or without a verb. A comment that opens with a
 * verb ("Sends the frame") is about the function that it stands before, so it has a subject.
 */
export function findFragments({ path, comments }: SourceFile): string[] {
  return [...comments.matchAll(DOC_COMMENT)].flatMap(({ 1: comment = '', index }) => {
    const text = comment
      .replace(/\n\s*\*/g, ' ')
      .replace(/\s+/g, ' ')
      .trim();
    if (isSentence(text)) return [];
    const line = comments.slice(0, index).split('\n').length;
    return [`${path}:${line}: ${text.slice(0, SHOWN_CHARACTERS)}`];
  });
}

function isSentence(text: string): boolean {
  const [sentence = ''] = text.split(/\.(?: |$)/, 1);
  const [word = ''] = sentence.match(/^[A-Za-z]+/) ?? [];
  if (REFUSED.has(word) || /^At (?!most |least )/.test(sentence)) return false;
  return hasVerb(NEEDS_MAIN_CLAUSE.has(word) ? mainClauseOf(sentence) : sentence);
}

/** The main clause begins behind a comma; an enumeration has commas before it as well. */
function mainClauseOf(sentence: string): string {
  return MAIN_CLAUSE.exec(sentence)?.[0] ?? '';
}
