import { type Kysely, sql } from 'kysely';
import type { HistoryMessage, MessagePlace } from '../../../shared/contracts/messages.ts';
import { canSee } from '../../../shared/durable-events/audience.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { MessageId, UserId } from '../../../shared/ids.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database } from '../database/schema.ts';
import { firstSeqForReader } from '../inbox/reader.ts';
import { MESSAGE_COLUMNS } from '../records/message-row.ts';
import { selectParticipants } from '../records/message-status.ts';
import { showMessages } from '../records/shown-messages.ts';

type Request = { user_id: UserId; message_id: MessageId };
type Deps = { db: Kysely<Database>; ciphers: ContentCiphers };

/** `messages.locate` returns a message's place, or MESSAGE_NOT_FOUND if the user cannot see it. */
export async function locateMessage(db: Kysely<Database>, request: Request): Promise<MessagePlace> {
  const [place] = await visible(db, request)
    .select(['m.conversation_id', 'm.seq', 'm.sent_at'])
    .execute();
  if (place === undefined) throw noSuchMessage();
  return place;
}

/**
 * `messages.get` returns a message as history shows it, also to an agent who may read the
 * conversation without taking part. Refusal: MESSAGE_NOT_FOUND.
 */
export async function getMessage(deps: Deps, request: Request): Promise<HistoryMessage> {
  const { db, ciphers } = deps;
  const [row] = await visible(db, request)
    .select(MESSAGE_COLUMNS.map((name) => `m.${name}` as const))
    .execute();
  if (row === undefined) return readMessage(deps, request);
  const participants = await selectParticipants(db, row.conversation_id);
  const viewer = participants.find(({ user_id }) => user_id === request.user_id);
  if (viewer === undefined) throw noSuchMessage();
  const [message] = await showMessages({ db, ciphers }, { rows: [row], viewer, participants });
  return message as HistoryMessage;
}

async function readMessage(deps: Deps, { user_id, message_id }: Request) {
  const [row] = await deps.db
    .selectFrom('messages')
    .select(MESSAGE_COLUMNS)
    .where('message_id', '=', message_id)
    .execute();
  if (row === undefined) throw noSuchMessage();
  const { conversation_id } = row;
  const participants = await selectParticipants(deps.db, conversation_id);
  const first_visible_seq = await firstSeqForReader(deps.db, { user_id, conversation_id });
  const viewer = { user_id, first_visible_seq: first_visible_seq ?? Number.POSITIVE_INFINITY };
  if (!canSee(viewer, row.seq)) throw noSuchMessage();
  const [message] = await showMessages(deps, { rows: [row], viewer, participants });
  return message as HistoryMessage;
}

export function noSuchMessage(): KahaError {
  return new KahaError('MESSAGE_NOT_FOUND', 'No such message');
}

/**
 * The query finds a message in all partitions by the index on the id, and yields no row if the user
 * may not see it. The CTE is materialized and limited to one row: otherwise the planner might walk
 * all messages that the user can see to find it.
 */
function visible(db: Kysely<Database>, { user_id, message_id }: Request) {
  return db
    .with(
      (cte) => cte('m').materialized(),
      (cte) =>
        cte
          .selectFrom('messages')
          .select(MESSAGE_COLUMNS)
          .where('message_id', '=', message_id)
          .limit(1),
    )
    .selectFrom('m')
    .innerJoin('participants as p', 'p.conversation_id', 'm.conversation_id')
    .innerJoin('conversations as c', 'c.conversation_id', 'm.conversation_id')
    .where('p.user_id', '=', user_id)
    .where('p.left_at', 'is', null)
    .whereRef('m.seq', '>=', 'p.first_visible_seq')
    .where('m.seq', '>=', sql<number>`visible_from(c.conversation_id, c.first_seq)`);
}
