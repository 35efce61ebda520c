import type { SourceFile } from './read-tree.ts';

/** These words have another word in their place wherever the name is ours. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['member', 'participant'],
  ['members', 'participants'],
  ['durable', 'queue, or durable event'],
  ['durables', 'queues'],
]);

/** NATS and the environment of a service force these names. */
const ALLOWED_NAMES = new Set([
  // JetStream calls a consumer that outlives its client a durable; these are no device queues.
  ...['durable', 'durable_name', 'receiptsDurable', 'kahaEventsDurable'],
]);
const NAME = /[A-Za-z_$][\w$]*/g;
const WORD = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g;

/** Finds identifiers with a word that the project says otherwise. Strings and comments are free. */
export function findRefusedWords({ path, code }: SourceFile): string[] {
  return [...code.matchAll(NAME)].flatMap(({ 0: name, index }) => {
    const word = refusedWordOf(name);
    if (word === undefined || ALLOWED_NAMES.has(name)) return [];
    const line = code.slice(0, index).split('\n').length;
    return [`${path}:${line} ${name}: say ${REFUSED.get(word)}`];
  });
}

/** A durable event is called so, hence the word is free before `event`. */
function refusedWordOf(name: string): string | undefined {
  const words = (name.match(WORD) ?? []).map((word) => word.toLowerCase());
  return words.find(
    (word, at) =>
      REFUSED.has(word) && !(word === 'durable' && /^events?$/.test(words[at + 1] ?? '')),
  );
}
