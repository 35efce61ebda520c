import { type Kysely, sql } from 'kysely';
import {
  PUSH_QUESTIONS_MAX,
  PUSH_SEQS_MAX,
  type PushAnswers,
  type PushFacts,
  type PushMessage,
  type PushQuestion,
} from '../../../shared/contracts/pushes/push-facts.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type ConversationId, isUuidV4, type UserId } from '../../../shared/ids.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database, MessagesTable } from '../database/schema.ts';
import { cutToBytes } from '../records/cut-to-bytes.ts';
import { metadataOfSystem, openContent, openSaid } from '../records/message-row.ts';
import { present } from '../records/present.ts';
import { countBadges } from './push-badges.ts';
import { type PushDeps, selectPushDevices } from './push-devices.ts';

type Deps = PushDeps & { ciphers: ContentCiphers };

type View = {
  user_id: UserId;
  conversation_id: ConversationId;
  read_seq: number;
  delivered_seq: number;
  is_muted: boolean;
  first_seq: number;
  type: PushFacts['conversation']['type'];
  title: string | null;
  business_id: PushFacts['conversation']['business_id'] | null;
  others: UserId[];
};

type Row = Pick<
  MessagesTable,
  | 'conversation_id'
  | 'message_id'
  | 'seq'
  | 'sender_id'
  | 'message_type'
  | 'sent_at'
  | 'content'
  | 'metadata'
  | 'key_id'
>;

/** The content of one of so many newest messages of a question is read, */
const TEXTS_READ = 8;
/** and that of so many is told. */
const TEXTS_TOLD = 2;
/** A push shows at most 1600 bytes. */
const TEXT_UNITS_MAX = 1_700;
const HALF_PAIR = /[\ud800-\udbff]$/;

/**
 * `push.facts` tells what is true now of messages that users may get a push of. Most users have no
 * registered device, and of them it looks at nothing else. An answer of more than 512 KiB leaves
 * out the last questions, which are asked again.
 */
export async function readPushFacts(
  deps: Deps,
  questions: readonly PushQuestion[],
): Promise<PushAnswers> {
  assertQuestions(questions);
  const devices = await selectPushDevices(deps, [...new Set(questions.map(userOf))]);
  const asked = questions.filter(({ user_id }) => devices.has(user_id));
  if (asked.length === 0) return { facts: questions.map(() => null) };
  const [views, messages, badges] = await Promise.all([
    selectViews(deps.db, asked),
    selectMessages(deps.db, asked),
    countBadges(deps.db, asked.map(userOf)),
  ]);
  const cipher = await deps.ciphers.open(messages.values(), deps.db);
  const viewOf = new Map(views.map((view) => [`${view.user_id}/${view.conversation_id}`, view]));
  const facts = questions.map((question): PushFacts | null => {
    const { user_id, conversation_id, seqs } = question;
    const view = viewOf.get(`${user_id}/${conversation_id}`);
    if (view === undefined) return null;
    const rows = seqs.flatMap((seq) => messages.get(`${conversation_id}/${seq}`) ?? []);
    const visible = rows.filter(({ seq }) => seq >= view.first_seq);
    return {
      devices: devices.get(user_id) ?? [],
      ...{ read_seq: view.read_seq, delivered_seq: view.delivered_seq, is_muted: view.is_muted },
      messages: toMessages(visible, user_id, cipher),
      conversation: { type: view.type, others: view.others, ...named(view) },
      badge: badges.get(user_id) ?? 0,
    };
  });
  return { facts: cutToBytes(facts).kept };
}

function assertQuestions(questions: readonly PushQuestion[]): void {
  const isPossible = (question: PushQuestion): boolean =>
    isUuidV4(question.user_id) &&
    isUuidV4(question.conversation_id) &&
    question.seqs.length <= PUSH_SEQS_MAX &&
    question.seqs.every((seq) => Number.isSafeInteger(seq));
  if (questions.length <= PUSH_QUESTIONS_MAX && questions.every(isPossible)) return;
  throw new KahaError('INVALID_REQUEST', 'Not questions about messages');
}

const userOf = ({ user_id }: PushQuestion): UserId => user_id;

function named(view: View): Pick<PushFacts['conversation'], 'title' | 'business_id'> {
  return present(view, ['title', 'business_id']);
}

/** A mute that has ended is none, by the clock of Postgres, which also gave its end. */
async function selectViews(
  db: Kysely<Database>,
  questions: readonly PushQuestion[],
): Promise<View[]> {
  const { rows } = await sql<View>`
    select distinct p.user_id, p.conversation_id, p.read_seq, p.delivered_seq,
      p.is_muted and (p.muted_until is null or p.muted_until > clock_timestamp()) as is_muted,
      greatest(visible_from(c.conversation_id, c.first_seq), p.first_visible_seq) as first_seq,
      c.type, c.title, c.business_id,
      array(select o.user_id from participants o
        where o.conversation_id = c.conversation_id and o.left_at is null
          and o.user_id <> p.user_id
        order by o.joined_at, o.user_id limit 3) as others
    from unnest(${questions.map(userOf)}::uuid[],
        ${questions.map(({ conversation_id: id }) => id)}::uuid[]) as q (user_id, conversation_id)
      join participants p using (user_id, conversation_id)
      join conversations c using (conversation_id)
    where p.left_at is null`.execute(db);
  return rows;
}

/** The map has those messages by their places that were not deleted. */
async function selectMessages(
  db: Kysely<Database>,
  questions: readonly PushQuestion[],
): Promise<Map<string, Row>> {
  const places = new Map<string, [ConversationId, number, boolean]>();
  for (const { conversation_id: id, seqs } of questions) {
    const newestFirst = [...seqs].sort((a, b) => b - a);
    for (const [index, seq] of newestFirst.entries()) {
      const isText = index < TEXTS_READ || places.get(`${id}/${seq}`)?.[2] === true;
      places.set(`${id}/${seq}`, [id, seq, isText]);
    }
  }
  const columns = [...places.values()];
  const { rows } = await sql<Row>`
    select conversation_id, message_id, seq, sender_id, message_type, key_id, sent_at,
      case when is_text then content end as content, ${metadataOfSystem('messages')}
    from unnest(${columns.map(([id]) => id)}::uuid[], ${columns.map(([, seq]) => seq)}::bigint[],
        ${columns.map(([, , isText]) => isText)}::boolean[])
        as place (conversation_id, seq, is_text)
      join messages using (conversation_id, seq)
    where deleted_at is null`.execute(db);
  return new Map(rows.map((row) => [`${row.conversation_id}/${row.seq}`, row]));
}

function toMessages(rows: readonly Row[], userId: UserId, cipher: ContentCipher): PushMessage[] {
  let texts = 0;
  const newestFirst = [...rows].sort((a, b) => b.seq - a.seq);
  return newestFirst.map((row) => {
    const { message_id, seq, sender_id, message_type, sent_at } = row;
    const message: PushMessage = { message_id, seq, sender_id, message_type, sent_at };
    if (message_type === 'system') return { ...message, ...concernOf(row, userId, cipher) };
    if (row.content === null || texts >= TEXTS_TOLD) return message;
    texts += 1;
    const content = openContent(row, cipher.tryDecrypt);
    return content === undefined ? message : { ...message, content: cut(content) };
  });
}

function concernOf(
  row: Row,
  userId: UserId,
  cipher: ContentCipher,
): Pick<PushMessage, 'concerns_user'> {
  const { said } = openSaid(row, cipher);
  if (said?.user_id !== userId) return {};
  if (said.event === 'participant_added') return { concerns_user: 'added' };
  return said.event === 'agent_assigned' ? { concerns_user: 'assigned' } : {};
}

function cut(text: string): string {
  return text.slice(0, TEXT_UNITS_MAX).replace(HALF_PAIR, '');
}
