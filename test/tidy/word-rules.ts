import type { SourceFile } from './read-tree.ts';

/** These words have another word in their place wherever the name is ours. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['member', 'participant'],
  ['members', 'participants'],
  ['inbox', 'queue'],
  ['inboxes', 'queues'],
  ['durable', 'queue, or durable event'],
  ['durables', 'queues'],
]);

/** NATS and the environment of a service force these names. */
const ALLOWED_NAMES = new Set([
  // The subjects and streams of device queues, and the subjects that NATS sends answers to.
  ...['inboxSubjects', 'inboxPrefix'],
  // JetStream calls a consumer that outlives its client a durable; these are no device queues.
  ...['durable', 'durable_name', 'receiptsDurable', 'kahaEventsDurable'],
  // Environment variables keep the names that deployments set.
  ...['INBOX_SHARDS', 'INBOX_GIB_MAX'],
]);
/** `inbox` alone is the name of a subject and of a stream, which one file defines. */
const SUBJECTS_FILE = 'shared/contracts/subjects.ts';
const OWNER_BEFORE = /\b(?:subjects|streams)\s*\.\s*$/;
const OWNER_BEHIND = /^\s*:\s*subjects\s*\.\s*inbox\b/;

const NAME = /[A-Za-z_$][\w$]*/g;
const WORD = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g;

/** Finds identifiers with a word that the project says otherwise. Strings and comments are free. */
export function findRefusedWords({ path, code }: SourceFile): string[] {
  return [...code.matchAll(NAME)].flatMap(({ 0: name, index }) => {
    const word = refusedWordOf(name);
    if (word === undefined || ALLOWED_NAMES.has(name)) return [];
    if (name === 'inbox' && isSubject(path, code, index)) return [];
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

function isSubject(path: string, code: string, index: number): boolean {
  if (path === SUBJECTS_FILE || OWNER_BEFORE.test(code.slice(Math.max(0, index - 20), index))) {
    return true;
  }
  return OWNER_BEHIND.test(code.slice(index + 'inbox'.length, index + 40));
}
