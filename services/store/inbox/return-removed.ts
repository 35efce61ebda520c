import type { Transaction } from 'kysely';
import type { InboxChange } from '../../../shared/contracts/inbox.ts';
import type {
  ConversationToTell,
  ReturnedConversations,
} from '../../../shared/contracts/outbox.ts';
import type { EventRow } from '../../../shared/durable-events/durable-event.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { BusinessId, ConversationId, EventId, UserId } from '../../../shared/ids.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import { closingEvent } from '../conversations/closing-event.ts';
import type { Database, OutboxPayloads } from '../database/schema.ts';
import { toConversationEntry } from '../outbox/outbox-entries.ts';
import { selectOwedToUsers } from '../outbox/owed-to-users.ts';
import { writeOutbox } from '../outbox/write-outbox.ts';
import {
  type ConversationRow,
  type LoadedConversation,
  lastMessagesOf,
  loadConversations,
} from '../records/conversation-rows.ts';
import { toParticipants } from '../records/participants-reader.ts';
import { type HeldRow, lockHeld, writeReturned } from './removed-rows.ts';
import { type Step, writeSteps } from './write-step.ts';

type Removal = {
  businessId: BusinessId;
  /** These users are no agents of the business any more. */
  removed: readonly UserId[];
  /** Is absent if a service has removed them. */
  actorId?: UserId | undefined;
  ciphers: ContentCiphers;
};

/** One removal returns at most this many conversations. 5 000 take 0.6 to 0.9 s. */
const RETURNED_MAX = 5_000;
/** A router is told of this many conversations at once, in about 2 KB each. */
const TOLD_MAX = 100;
/** A NATS message has at most 1 MB, and what the answer says of all may take 450 KB. */
const TOLD_BYTES_MAX = 256 * 1024;

/**
 * Returns what removed agents have to waiting, in the transaction that removes them. The caller
 * has locked the business for update, so nobody assigns anything to these agents meanwhile. Each
 * statement does its part for all conversations. They are locked first, in order, and the inbox
 * last.
 *
 * The answer tells a router of at most 100 conversations. The events of the others are owed, and a
 * repair brings them. Who watches the inbox sees by the newest version, which is always told, that
 * something is missing. CONFLICT refuses a removal that would return too many.
 */
export async function returnRemoved(
  tx: Transaction<Database>,
  { businessId, removed, actorId, ciphers }: Removal,
): Promise<ReturnedConversations | undefined> {
  const held = await lockHeld(tx, businessId, removed);
  if (held.length === 0) return undefined;
  if (held.length > RETURNED_MAX) {
    const details = { open: held.length, open_max: RETURNED_MAX };
    throw new KahaError('CONFLICT', 'These agents have too much to go at once', { details });
  }
  const toldIds = idsToTell(held);
  const owed = await selectOwedToUsers(tx, toldIds);
  const { after, at } = await writeReturned(tx, held);
  const scenes = held.map((one): Scene => {
    const { conversation: before, participants } = one;
    const conversation = after.get(before.conversation_id) ?? before;
    const rest = participants.filter(({ user_id }) => user_id !== before.assignee_id);
    return { held: one, after: { conversation, participants: rest, lastMessage: undefined } };
  });
  const toTell = await loadConversations(tx, toldIds);
  const cipher = await ciphers.open(lastMessagesOf(toTell), tx);
  const closings = await oweClosings(tx, scenes, { at, cipher });
  const loaded = byId(toTell);
  const steps = scenes.map(({ held: { conversation: before }, after }): Step => {
    const seen = loaded.get(before.conversation_id) ?? after;
    const step = { before, after: seen, change: 'released', reason: 'removed' } as const;
    return { ...step, ...(actorId !== undefined && { actorId }) };
  });
  const changes = await writeSteps(tx, { businessId, steps, cipher });
  const inbox = new Map(changes.map((change) => [change.conversation_id, change]));
  const told = toldIds.flatMap((id) => {
    const [one, row, change] = [loaded.get(id), closings.get(id), inbox.get(id)];
    if (one === undefined || row === undefined || change === undefined) return [];
    const owedBefore = owed?.get(id);
    return tellOf(one, { row, change, owedBefore, cipher });
  });
  const all = [...after.values()].flatMap(placeOf);
  return { all, told: withinBytes(told) };
}

/** The last of the conversations gets the newest version of the inbox, and is told first. */
function idsToTell(held: readonly HeldRow[]): ConversationId[] {
  const ids = held.map(({ conversation: { conversation_id } }) => conversation_id);
  return [...ids.slice(-1), ...ids.slice(0, -1)].slice(0, TOLD_MAX);
}

function placeOf(row: ConversationRow): ReturnedConversations['all'] {
  const { conversation_id, version, customer_id } = row;
  return customer_id === null ? [] : [[conversation_id, version, customer_id]];
}

type Scene = { held: HeldRow; after: LoadedConversation };
type Closing = EventRow<OutboxPayloads['conversation']>;

/** Each agent is told that they take part no more. Others get no event: it only waits again. */
async function oweClosings(
  tx: Transaction<Database>,
  scenes: readonly Scene[],
  { at, cipher }: { at: string; cipher: ContentCipher },
): Promise<Map<ConversationId, Closing>> {
  const rows = scenes.map(({ held, after: { conversation } }) => {
    const { assignee_id: userId, conversation_id } = held.conversation;
    if (userId === null) throw new Error('an agent has the conversation');
    const { participants } = held;
    const event = closingEvent({ userId, change: 'assigned', conversation, participants }, cipher);
    return { ...event, conversation_id, seq: null };
  });
  await writeOutbox(tx, { kind: 'conversation', at, rows });
  return new Map(rows.map((row) => [row.conversation_id, { ...row, created_at: at }]));
}

function byId(all: readonly LoadedConversation[]): Map<ConversationId, LoadedConversation> {
  return new Map(all.map((one) => [one.conversation.conversation_id, one]));
}

type Parts = {
  row: Closing;
  change: InboxChange;
  owedBefore: EventId[] | undefined;
  cipher: ContentCipher;
};

function tellOf(
  loaded: LoadedConversation,
  { row, change, owedBefore, cipher }: Parts,
): ConversationToTell {
  return {
    participants: toParticipants(loaded),
    entries: [toConversationEntry(loaded, row, cipher)],
    ...(owedBefore !== undefined && { owed_before: owedBefore }),
    inbox: [change],
  };
}

function withinBytes(told: readonly ConversationToTell[]): ConversationToTell[] {
  let bytes = 0;
  return told.filter((one) => {
    bytes += Buffer.byteLength(JSON.stringify(one));
    return bytes <= TOLD_BYTES_MAX;
  });
}
