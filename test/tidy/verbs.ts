const wordsOf = (...lines: string[]): ReadonlySet<string> =>
  new Set(lines.flatMap((line) => line.split(' ')));

const AUXILIARIES = wordsOf(
  'is are was were be has have had does do did can cannot may might must will would could should',
  'need needs',
);
/** A plural subject takes these forms, and the past of these verbs does not end in -ed. */
const PLAIN = wordsOf(
  'accept act add admit allow answer apply arrive ask avoid become begin belong break bring',
  'build call carry cause change check clear close collect come commit compare concern',
  'connect contain cost count create cut decide decode define delete deliver depend derive',
  'describe die draw drop encode end enforce ensure exchange exist expect fail fan fetch fill',
  'find finish fit follow force forget get give go grow guard happen hear help hide hold',
  'ignore include join judge keep know learn leave let lie link list listen look lose make',
  'mark mean measure meet miss move name open outlive overtake own pass pay pick play post',
  'prefer prevent protect prove publish pull push put raise reach read receive recover refer',
  'refuse reject release rely remain remember remove repeat replace require resolve return',
  'rise run save say see select send serve set settle share show skip sleep sort speak split',
  'spread stand start stay stop survive switch take talk tell test throw touch travel treat',
  'trust try turn type update use wait wake want watch work write',
  'arrived began brought came chose fell felt found gave got grew heard held kept knew lay led',
  'left lost made met read ran said saw sent spent stood stopped took told went won wrote',
);
/** The word behind one of these is a noun, a name or part of one. */
const BEFORE_NOUN = wordsOf(
  'a an the that these those its their his her our your no two three four each every all any',
  'other many more most few of to in on at by for from with without into under over behind',
  'between within among below above beyond per than as',
);
/** These words end like a verb and are none. */
const NO_VERB = wordsOf(
  'its this his hers theirs ours us as thus less unless plus always perhaps sometimes besides',
  'afterwards towards across its newest oldest need seed speed hundred indeed red',
);
const TOKEN = /`[^`]*`|[\w'’./-]+/g;

/**
 * Tells whether a text may have a finite verb. It recognises verbs by their endings and from lists.
 * A plural noun without an article, and a participle behind a noun, can pass for a verb. A verb in
 * the plural that the list lacks is to be added to it.
 */
export function hasVerb(text: string): boolean {
  const words = (text.match(TOKEN) ?? []).map((word) => word.toLowerCase());
  return words.some((word, at) => {
    if (AUXILIARIES.has(word)) return true;
    if (NO_VERB.has(word) || BEFORE_NOUN.has(words[at - 1] ?? '')) return false;
    if (/^[a-z]+[a-rt-z]s$/.test(word)) return true;
    return at > 0 && (PLAIN.has(word) || /^[a-z]+ed$/.test(word));
  });
}
