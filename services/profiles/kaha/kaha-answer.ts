import { isUuidV4 } from '../../../shared/ids.ts';
import type { Profile, ProfileKind, ProfileMap, ProfileRef } from '../profile.ts';

/** The answer as a whole cannot be used. The same question may get a better answer. */
export class MalformedAnswerError extends Error {
  override readonly name = 'MalformedAnswerError';
}

/**
 * Faults tell what was wrong with an answer, and how often. `missing` counts profiles that were
 * asked for and not answered.
 */
export type Faults = Partial<Record<Fault, number>>;
type Fault = 'missing' | 'malformed' | 'not asked for' | 'repeated' | 'name' | 'avatar';
export type KahaAnswer = { found: ProfileMap; faults: Faults };

const NAME_CHARACTERS_MAX = 200;
const URL_CHARACTERS_MAX = 2_048;
const USER_TYPE_CHARACTERS_MAX = 64;
/** A name is cut to this length before it is cleaned, because it may be as long as the answer. */
const NAME_UNITS_READ = 4 * NAME_CHARACTERS_MAX;

type Entry = Record<string, unknown>;

/**
 * Reads the answer of kaha-main-v3 to `refs`, and uses each entry that is usable. An entry that is
 * malformed, repeated, or not asked for is left out and hurts no other. A name is cut to 200
 * characters, and an avatar that is no http address is left out. Throws MalformedAnswerError if the
 * answer has no lists at all. No error carries a part of the answer.
 */
export function readKahaAnswer(text: string, refs: readonly ProfileRef[]): KahaAnswer {
  const parsed = parse(text);
  const lists = isEntry(parsed) ? [parsed.users, parsed.businesses] : [];
  if (!lists.some(Array.isArray)) {
    throw new MalformedAnswerError('no lists of profiles in the answer');
  }
  const answer: KahaAnswer = { found: new Map(), faults: {} };
  const asked = new Set(refs.map(({ key }) => key));
  const kinds: ProfileKind[] = ['user', 'business'];
  for (const [index, kind] of kinds.entries()) {
    const list = lists[index];
    if (Array.isArray(list)) for (const entry of list) readEntry(answer, asked, { kind, entry });
    else if (list !== undefined && list !== null) count(answer, 'malformed');
  }
  const missing = asked.size - answer.found.size;
  if (missing > 0) answer.faults.missing = missing;
  return answer;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own error quotes the text, which holds names.
    throw new MalformedAnswerError('the answer is not JSON');
  }
}

function readEntry(
  answer: KahaAnswer,
  asked: ReadonlySet<string>,
  { kind, entry }: { kind: ProfileKind; entry: unknown },
): void {
  const id = isEntry(entry) && typeof entry.id === 'string' ? entry.id.toLowerCase() : '';
  const key = `${kind}:${id}`;
  if (!isEntry(entry) || !isUuidV4(id)) count(answer, 'malformed');
  else if (!asked.has(key)) count(answer, 'not asked for');
  else if (answer.found.has(key)) count(answer, 'repeated');
  else readProfile(answer, entry, { kind, id, key });
}

function readProfile(answer: KahaAnswer, entry: Entry, { kind, id, key }: ProfileRef): void {
  const name = readName(entry.name);
  if (name === undefined || name !== entry.name) {
    count(answer, name === undefined ? 'malformed' : 'name');
  }
  if (name === undefined) return;
  const avatar = readAvatar(entry.avatar_url);
  if (avatar === undefined && entry.avatar_url) count(answer, 'avatar');
  answer.found.set(
    key,
    profileOf(kind, entry, { id, name, ...(avatar && { avatar_url: avatar }) }),
  );
}

type Shared = { id: string; name: string; avatar_url?: string };

function profileOf(kind: ProfileKind, entry: Entry, shared: Shared): Profile {
  if (kind === 'user') {
    const type = entry.user_type;
    const isType = typeof type === 'string' && type !== '';
    const user_type = isType ? cut(type, USER_TYPE_CHARACTERS_MAX) : undefined;
    return { kind, fields: { ...shared, ...(user_type && { user_type }) } } as Profile;
  }
  const online = typeof entry.is_online === 'boolean' ? { is_online: entry.is_online } : {};
  return { kind, fields: { ...shared, ...online } } as Profile;
}

/**
 * The name that is returned is well-formed, has no control characters, and is 1-200 characters
 * long. Returns undefined if nothing is left of it.
 */
function readName(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const clean = cut(value.slice(0, NAME_UNITS_READ), NAME_CHARACTERS_MAX).replace(/\p{Cc}/gu, ' ');
  return /\S/.test(clean) ? clean : undefined;
}

function cut(text: string, charactersMax: number): string {
  const wellFormed = text.replace(/\p{Cs}/gu, '\ufffd');
  return wellFormed.length <= charactersMax
    ? wellFormed
    : [...wellFormed].slice(0, charactersMax).join('');
}

/**
 * Accepts only what a client may safely load, which is an http address and not `javascript:` or the
 * like.
 */
function readAvatar(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > URL_CHARACTERS_MAX) return undefined;
  if (!/^https?:\/\/[^\s\p{Cc}\p{Cs}]+$/iu.test(value) || !URL.canParse(value)) return undefined;
  return value;
}

function count({ faults }: KahaAnswer, fault: Fault): void {
  faults[fault] = (faults[fault] ?? 0) + 1;
}

function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
