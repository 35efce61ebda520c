import type { Kysely } from 'kysely';
import type {
  AppendItem,
  AppendReply,
  AppendRequest,
  AppendResult,
} from '../../../shared/contracts/append.ts';
import type { Participants } from '../../../shared/contracts/conversations.ts';
import type { ReplyPreview } from '../../../shared/contracts/messages.ts';
import { KahaError } from '../../../shared/errors.ts';
import {
  type BusinessId,
  type EventId,
  isUuidV4,
  type MessageId,
  newId,
} from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { type ContentCipher, encrypt, type WritingCipher } from '../content/content-cipher.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import { toKahaError } from '../database/database-error.ts';
import type { Database } from '../database/schema.ts';
import type { TimesAhead } from '../database/times-ahead.ts';
import type { BusinessSends } from '../inbox/business-sends.ts';
import { toReplyPreview } from '../records/message-row.ts';
import type { ParticipantsReader } from '../records/participants-reader.ts';
import { type FoundReply, findReplies } from '../records/reply-previews.ts';
import type { AppendRow, AppendStep, SealedMessage } from './append-writer.ts';
import type { GroupCommit } from './group-commit.ts';

type Deps = {
  db: Kysely<Database>;
  ciphers: ContentCiphers;
  group: GroupCommit;
  businessSends: BusinessSends;
  readParticipants: ParticipantsReader;
  timesAhead: TimesAhead;
  logger: Logger;
};
type Replies = Awaited<ReturnType<typeof findReplies>>;

/**
 * `messages.append` writes sends of one conversation and judges each on its own. A send that is
 * answered `ok` is committed, with its outbox row. Refusals: CONVERSATION_NOT_FOUND;
 * NOT_A_PARTICIPANT; INVALID_REQUEST for a reply to a message that the sender cannot see and for a
 * value that Postgres refuses; DATABASE_UNAVAILABLE and TIMEOUT, after which the client may repeat
 * the send with the same key.
 */
export function createAppend(deps: Deps) {
  const { db, ciphers, readParticipants, timesAhead, logger } = deps;

  return async (request: AppendRequest, deadlineAt: number): Promise<AppendReply> => {
    const { conversation_id, items, needs_participants: isNew } = request;
    if (!isUuidV4(conversation_id)) throw new KahaError('INVALID_REQUEST', 'Not a conversation id');
    const reading = isNew ? readParticipants(conversation_id).catch(unread) : undefined;
    const wanted = items.flatMap(({ reply_to }) => (isUuidV4(reply_to) ? [reply_to] : []));
    const replies = await findReplies(db, conversation_id, wanted);
    const opening = openToWrite(ciphers, conversation_id, replies);
    opening.catch((error: unknown) => error); // Each send reports the failure.
    const append = createWriting(deps, { request, reading, deadlineAt });
    let version = 0;
    const steps: AppendStep[] = [];
    const appendSealed = async (item: AppendItem, cipher: WritingCipher): Promise<AppendRow> => {
      const message = sealMessage({ conversation_id, item, replies, cipher });
      const row = await append(message);
      if (row.status !== 'key_gone') return row;
      ciphers.forget(cipher.key);
      const newer = await openToWrite(ciphers, conversation_id, replies);
      return append(sealMessage({ conversation_id, item, replies, cipher: newer }));
    };
    const appendOne = async (item: AppendItem): Promise<AppendResult> => {
      try {
        const cipher = await opening;
        // The quote is made first: nothing that can fail may follow the commit of the message.
        const reply = item.reply_to && replies.get(item.reply_to);
        const quote = reply ? quoteOf(reply, cipher) : undefined;
        const row = await appendSealed(item, cipher);
        version = Math.max(version, row.conversation_version ?? 0);
        if (row.was_ahead) timesAhead.note('message');
        if (row.step !== undefined) steps.push(row.step);
        return toResult(row, quote);
      } catch (error) {
        const refusal = toKahaError(error);
        // An error with a cause is no refusal but a bug, or a value that should not come this far.
        if (refusal.status < 503 && refusal.cause !== undefined) {
          logger.error({ err: refusal }, 'send failed');
        }
        return { ok: false, error: refusal.toWire() };
      }
    };
    const results = await Promise.all(items.map(appendOne));
    const participants = await reading;
    return {
      conversation_version: version,
      results,
      ...(participants && { participants }),
      ...(steps.length > 0 && joinSteps(steps, participants)),
    };
  };

  /**
   * A failed read of participants leaves the sends as they are; the router asks for the
   * participants again.
   */
  function unread(error: unknown): Participants | undefined {
    logger.debug({ err: error }, 'participants not read');
    return undefined;
  }
}

type Asked = {
  request: AppendRequest;
  reading: Promise<Participants | undefined> | undefined;
  deadlineAt: number;
};

/**
 * Messages to a business are written in its turns, and all others in the group commit. A business
 * that is not known is read, and read again if that fails.
 */
function createWriting(
  { group, businessSends, readParticipants }: Deps,
  { request: { conversation_id: id, business_id }, reading, deadlineAt }: Asked,
): (message: SealedMessage) => Promise<AppendRow> {
  let known: BusinessId | Promise<BusinessId> | undefined = business_id;
  const read = () => readParticipants(id);
  const findBusiness = async (): Promise<BusinessId> => {
    const { business_id: found } = (await reading) ?? (await read().catch(read));
    if (found === undefined) throw new Error('a conversation without a business was refused');
    return found;
  };
  return async (message) => {
    if (business_id === undefined) {
      const row = await group.append(message, deadlineAt);
      if (row.status !== 'business') return row;
    }
    known ??= findBusiness();
    return businessSends.append({ message, businessId: await known, deadlineAt });
  };
}

/** Each step is of another transaction. The newest participants count. */
function joinSteps(steps: readonly AppendStep[], read: Participants | undefined): AppendStep {
  const [participants] = [read, ...steps.map((step) => step.participants)]
    .filter((one) => one !== undefined)
    .sort((one, other) => other.version - one.version);
  const responses = steps.flatMap(({ first_response_ms }) => first_response_ms ?? []);
  return {
    ...(participants && { participants }),
    entries: steps.flatMap(({ entries }) => entries ?? []),
    inbox: steps.flatMap(({ inbox }) => inbox ?? []),
    ...(responses[0] !== undefined && { first_response_ms: responses[0] }),
  };
}

type Sealing = {
  conversation_id: AppendRequest['conversation_id'];
  item: AppendItem;
  replies: Replies;
  cipher: WritingCipher;
};

function sealMessage({ conversation_id, item, replies, cipher }: Sealing): SealedMessage {
  const { user_id, client_msg_id, content, metadata, reply_to } = item;
  const message_id = newId<MessageId>();
  const place = { conversation_id, message_id };
  return {
    ...place,
    sender_id: user_id,
    client_msg_id,
    message_type: item.message_type ?? 'text',
    reply_to: reply_to ?? null,
    reply_to_seq: (reply_to && replies.get(reply_to)?.seq) ?? null,
    key: cipher.key,
    content: encrypt(content, cipher, { ...place, field: 'content' }),
    metadata:
      metadata === undefined
        ? null
        : encrypt(JSON.stringify(metadata), cipher, { ...place, field: 'metadata' }),
  };
}

async function openToWrite(
  ciphers: ContentCiphers,
  id: AppendRequest['conversation_id'],
  replies: Replies,
): Promise<WritingCipher> {
  const cipher = await ciphers.openToWrite(id, replies.values());
  if (cipher === undefined) throw new KahaError('CONVERSATION_NOT_FOUND', 'No such conversation');
  return cipher;
}

type Quote = { reply_to: ReplyPreview; reply_to_seq: number };

function quoteOf(reply: FoundReply, cipher: ContentCipher): Quote {
  return { reply_to: toReplyPreview(reply, cipher), reply_to_seq: reply.seq };
}

function toResult(row: AppendRow, quote: Quote | undefined): AppendResult {
  switch (row.status) {
    case 'ok':
    case 'duplicate': {
      const { message_id, seq, sent_at } = row;
      // A message has one outbox row, and its event has the message's id.
      const event_id = message_id as string as EventId;
      const written = { ok: true as const, message_id, event_id, seq, sent_at };
      if (row.status === 'ok') return { ...written, ...quote };
      return { ...written, duplicate: true, fanout_pending: row.fanout_pending === true };
    }
    case 'no_conversation':
      throw new KahaError('CONVERSATION_NOT_FOUND', 'No such conversation');
    case 'not_a_participant':
      throw new KahaError('NOT_A_PARTICIPANT', 'Not a participant of this conversation');
    case 'bad_reply':
      throw new KahaError('INVALID_REQUEST', 'reply_to is not a message of this conversation');
    case 'business':
      throw new Error('a send to a business was not written by its step');
    case 'key_gone':
    case 'locked':
      throw new KahaError('DATABASE_UNAVAILABLE', 'The conversation is busy');
  }
}
