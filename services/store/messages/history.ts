import { type Kysely, type Selectable, sql } from 'kysely';
import type {
  HistoryPage,
  HistoryReceipt,
  HistoryRequest,
} from '../../../shared/contracts/messages.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database, ParticipantsTable } from '../database/schema.ts';
import { isReader } from '../inbox/reader.ts';
import { takePage } from '../records/page-bytes.ts';
import { present } from '../records/present.ts';
import { showMessages } from '../records/shown-messages.ts';
import { shownOf } from '../records/visible-from.ts';
import { readRange, selectHistory } from './history-rows.ts';

type Deps = { db: Kysely<Database>; ciphers: ContentCiphers };

/**
 * `messages.history` returns a page of the messages that the user can see, ascending by `seq` and
 * at most 256 KiB. Refusals: CONVERSATION_NOT_FOUND, INVALID_REQUEST, and NOT_A_PARTICIPANT for a
 * user who neither takes part nor may read the conversation as an agent of its business.
 */
export async function readHistory(
  { db, ciphers }: Deps,
  request: HistoryRequest,
): Promise<HistoryPage> {
  const range = readRange(request);
  const { user_id, conversation_id } = request;
  const viewer = { user_id, conversation_id };
  const [participants, seen] = await Promise.all([
    selectParticipants(db, conversation_id),
    selectHistory(db, { viewer, as: 'participant', range }),
  ]);
  const [any] = participants;
  if (any === undefined) throw new KahaError('CONVERSATION_NOT_FOUND', 'No such conversation');
  const own = participants.find((participant) => participant.user_id === user_id);
  if (own === undefined && !(await isReader(db, viewer))) {
    throw new KahaError('NOT_A_PARTICIPANT', 'Not a participant of this conversation');
  }
  const first_visible_seq = Math.max(any.first_seq, own?.first_visible_seq ?? 1);
  const rows = own ? seen : await selectHistory(db, { viewer, as: 'reader', range });
  const receipts = participants.flatMap(toReceipt);
  const messages = await showMessages(
    { db, ciphers },
    {
      rows: rows.slice(0, range.limit),
      viewer: { user_id, first_visible_seq },
      participants: receipts,
    },
  );
  const page = takePage(messages);
  const first = rows[0];
  return {
    messages: range.order === 'asc' ? page : page.reverse(),
    has_more: first !== undefined && page.length < Number(first.matching),
    first_seq: first_visible_seq,
    receipts,
  };
}

type Participant = { first_seq: number } & {
  [Name in
    | 'user_id'
    | 'first_visible_seq'
    | 'delivered_seq'
    | 'delivered_at'
    | 'read_seq'
    | 'read_at']: Selectable<ParticipantsTable>[Name] | null;
};

/**
 * The query returns one row per participant, one row of nulls if nobody takes part, and no row if
 * the conversation does not exist. `first_seq` is the first that is shown.
 */
async function selectParticipants(
  db: Kysely<Database>,
  id: HistoryRequest['conversation_id'],
): Promise<Participant[]> {
  const { rows } = await sql<Participant>`
    select c.first_seq, p.user_id, p.first_visible_seq, p.delivered_seq, p.delivered_at,
      p.read_seq, p.read_at
    from ${shownOf(id)} c
    left join participants p on p.conversation_id = c.conversation_id and p.left_at is null
    order by p.user_id`.execute(db);
  return rows;
}

function toReceipt(participant: Participant): HistoryReceipt[] {
  const { user_id, delivered_seq, read_seq } = participant;
  if (user_id === null || delivered_seq === null || read_seq === null) return [];
  const times = present(participant, ['delivered_at', 'read_at']);
  return [{ user_id, delivered_seq, read_seq, ...times }];
}
