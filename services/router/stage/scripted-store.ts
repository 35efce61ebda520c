import type {
  AppendItem,
  AppendReply,
  AppendRequest,
  AppendResult,
} from '../../../shared/contracts/append.ts';
import type {
  ConversationCommand,
  ConversationRecord,
  Participants,
} from '../../../shared/contracts/conversations.ts';
import type { InboxChange } from '../../../shared/contracts/inbox.ts';
import type { MessageRecord } from '../../../shared/contracts/messages.ts';
import type {
  ConversationChanged,
  OutboxEntry,
  OutboxEntryOf,
  OutboxMissed,
} from '../../../shared/contracts/outbox.ts';
import type {
  ConversationPositions,
  ReadInput,
  ReadReply,
  ReadResult,
} from '../../../shared/contracts/positions.ts';
import type { StoreOps } from '../../../shared/contracts/store-ops.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import {
  type BusinessId,
  type ConversationId,
  type EventId,
  newId,
  type ParticipantKey,
  participantKey,
  type UserId,
} from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { ScriptedDevices } from './scripted-devices.ts';

type Row = { entry: OutboxEntry; owedSince: number; leasedUntil: number };
type Op = keyof StoreOps;
type MessageEntry = OutboxEntryOf<'message'>;
type Conversation = {
  business_id?: BusinessId;
  users: UserId[];
  version: number;
  sent: MessageRecord[];
  events: Map<string, EventId>;
  reads: Map<UserId, number>;
};

const OWED_AFTER_MS = 5_000;

/**
 * Plays store in memory and keeps its promises: `seq` has no hole, repeated keys are known, and the
 * outbox has leases. `before` runs ahead of each operation. It may wait, or throw the error that
 * the caller shall get.
 */
export class ScriptedStore {
  readonly outbox = new Map<EventId, Row>();
  readonly appends: AppendRequest[] = [];
  readonly calls: Op[] = [];
  /** If false, an append leaves out the participants, as if store could not read them. */
  tellsParticipants = true;
  before: (op: Op, body: unknown) => Promise<void> | void = () => undefined;
  /** Runs after each operation and before its answer. An operation that waits here is committed. */
  after: (op: Op) => Promise<void> | void = () => undefined;
  readonly devices = new ScriptedDevices();
  readonly #conversations = new Map<ConversationId, Conversation>();
  readonly #away = new Map<ConversationId, BusinessId>();
  readonly #joinedSeqs = new Map<ParticipantKey, number>();

  serve(bus: Bus): void {
    this.#serve(bus, 'messages.append', (request) => this.#append(request));
    this.#serve(bus, 'conversations.participants', (request) => this.#participants(request));
    this.#serve(bus, 'conversations.change', (request) => this.#change(request));
    this.#serve(bus, 'conversations.create', (request) => this.#create(request));
    this.#serve(bus, 'positions.read', ({ reads }) => ({
      results: reads.map((input) => this.#readOne(input)),
    }));
    this.devices.serve((op, handle) => this.#serve(bus, op, handle));
    this.#serve(bus, 'positions.list', (request) => this.#positions(request));
    this.#serve(bus, 'outbox.claim', (request) => this.#claim(request));
    this.#serve(bus, 'outbox.owed', ({ event_ids }) => ({
      event_ids: event_ids.filter((id) => this.outbox.has(id)),
    }));
    this.#serve(bus, 'outbox.missed', ({ items }) => this.#missed(items));
    this.#serve(bus, 'outbox.done', ({ event_ids: ids }) => {
      return { deleted: ids.filter((id) => this.outbox.delete(id)).length };
    });
  }

  open(users: UserId[]): ConversationId {
    const id = newId<ConversationId>();
    this.#conversations.set(id, {
      users,
      version: 1,
      sent: [],
      events: new Map(),
      reads: new Map(),
    });
    return id;
  }

  change(id: ConversationId, users: UserId[]): void {
    const conversation = this.#of(id);
    for (const user of users) {
      const isNew = !conversation.users.includes(user);
      if (isNew) this.#joinedSeqs.set(participantKey(id, user), conversation.sent.length + 1);
    }
    conversation.users = users;
    conversation.version += 1;
  }

  sent(id: ConversationId): readonly MessageRecord[] {
    return this.#of(id).sent;
  }

  count(op: Op): number {
    return this.calls.filter((call) => call === op).length;
  }

  /** Makes every row old enough to be claimed. */
  age(ms = OWED_AFTER_MS): void {
    for (const row of this.outbox.values()) {
      row.owedSince -= ms;
      row.leasedUntil = 0;
    }
  }

  record(id: ConversationId): ConversationRecord {
    const { users, version, sent } = this.#of(id);
    const time = new Date(0).toISOString();
    return {
      conversation_id: id,
      type: users.length === 2 ? 'direct' : 'group',
      version,
      first_seq: 1,
      last_seq: sent.length,
      last_read_seq: 0,
      unread: sent.length,
      is_muted: false,
      created_at: time,
      last_activity: time,
      participants: users.map((userId) => ({
        user_id: userId,
        role: 'member',
        joined_at: time,
        delivered_seq: 0,
        read_seq: 0,
      })),
    };
  }

  #serve<Name extends Op>(
    bus: Bus,
    op: Name,
    handle: (request: StoreOps[Name][0]) => StoreOps[Name][1],
  ): void {
    const options = { subject: subjects.store(op), queue: 'store', concurrencyMax: 1_000 };
    bus.serve(options, async (body) => {
      this.calls.push(op);
      await this.before(op, body);
      const reply = handle(body as StoreOps[Name][0]);
      await this.after(op);
      return reply;
    });
  }

  #append(request: AppendRequest): AppendReply {
    this.appends.push(request);
    const { conversation_id: id } = request;
    const conversation = this.#of(id);
    const entries: MessageEntry[] = [];
    const inbox: InboxChange[] = [];
    const results = request.items.map((item) => {
      const result = this.#appendOne(id, item);
      const business = this.#away.get(id);
      if (this.#away.delete(id) && business !== undefined) {
        entries.push(this.#answerAway(id, business));
        inbox.push(this.#added(id, business));
      }
      return result;
    });
    const isAway = entries.length > 0;
    const reply = {
      conversation_version: conversation.version,
      results,
      ...(isAway && { entries, inbox }),
    };
    if (!(request.needs_participants || isAway) || !this.tellsParticipants) return reply;
    return { ...reply, participants: this.#participants(request) };
  }

  /** The conversation belongs to a business, which sends an away message after the next send. */
  closes(id: ConversationId, business: BusinessId): void {
    this.#away.set(id, business);
    this.#of(id).business_id = business;
  }

  /** The away message comes with a step, which makes a new version of the conversation. */
  #answerAway(id: ConversationId, sender: BusinessId): MessageEntry {
    const conversation = this.#of(id);
    conversation.version += 1;
    const message: MessageRecord = {
      message_id: newId(),
      conversation_id: id,
      seq: conversation.sent.length + 1,
      sender_id: sender as string as UserId,
      version: 1,
      message_type: 'system',
      content: 'We are away',
      metadata: { event: 'away_message' },
      sent_at: new Date().toISOString(),
    };
    conversation.sent.push(message);
    const event_id = message.message_id as string as EventId;
    const { version, users } = conversation;
    const owed = { kind: 'message' as const, message, event_id, version, user_ids: [...users] };
    const entry = { ...owed, conversation_id: id };
    this.#owe(entry);
    return entry;
  }

  #added(conversation_id: ConversationId, business_id: BusinessId): InboxChange {
    const [customer_id] = this.#of(conversation_id).users as [UserId];
    return {
      ...{ business_id, conversation_id, version: 1, change: 'added', reason: 'message' },
      before: { state: 'closed', customer_id },
      after: { state: 'waiting', customer_id },
      record: this.record(conversation_id),
      is_due: true,
    };
  }

  #appendOne(id: ConversationId, item: AppendItem): AppendResult {
    const { users, sent, events } = this.#of(id);
    if (!users.includes(item.user_id)) {
      return { ok: false, error: { code: 'NOT_A_PARTICIPANT', message: 'Not in it' } };
    }
    const key = item.client_msg_id;
    const first = sent.find((record) => record.client_msg_id === key);
    const known = events.get(key);
    if (first !== undefined && known !== undefined) {
      return { ...answerOf(first, known), duplicate: true, fanout_pending: this.outbox.has(known) };
    }
    const { message_type: type = 'text', reply_to: _reply, user_id: sender, ...rest } = item;
    const message: MessageRecord = {
      ...rest,
      message_type: type,
      sender_id: sender,
      message_id: newId(),
      conversation_id: id,
      seq: sent.length + 1,
      version: 1,
      sent_at: new Date().toISOString(),
    };
    const eventId = newId<EventId>();
    sent.push(message);
    events.set(key, eventId);
    this.#owe({
      kind: 'message',
      message,
      event_id: eventId,
      conversation_id: id,
      version: this.#of(id).version,
      user_ids: [...users],
    });
    return answerOf(message, eventId);
  }

  #owe(entry: OutboxEntry): void {
    this.outbox.set(entry.event_id, { entry, owedSince: Date.now(), leasedUntil: 0 });
  }

  #claim(request: StoreOps['outbox.claim'][0]): StoreOps['outbox.claim'][1] {
    const now = Date.now();
    const wanted = request.event_ids && new Set(request.event_ids);
    const rows = [...this.outbox.values()].filter(({ entry, owedSince, leasedUntil }) =>
      wanted ? wanted.has(entry.event_id) : leasedUntil <= now && owedSince + OWED_AFTER_MS <= now,
    );
    const claimed = rows.slice(0, request.limit);
    for (const row of claimed) row.leasedUntil = now + request.lease_ms;
    const [oldest] = this.outbox.values();
    const oldest_at = new Date(oldest?.owedSince ?? now).toISOString();
    return { entries: claimed.map(({ entry }) => entry), oldest_at };
  }

  #missed(items: readonly OutboxMissed[]): { written: number } {
    const owed = items.filter(({ event_id }) => this.outbox.has(event_id));
    for (const { event_id, missed, is_fed } of owed) {
      const entry = this.outbox.get(event_id)?.entry;
      Object.assign(entry ?? {}, { missed }, is_fed && { is_fed });
    }
    return { written: owed.length };
  }

  #create(request: StoreOps['conversations.create'][0]): StoreOps['conversations.create'][1] {
    const { user_id: userId, conversation } = request;
    if (conversation.type === 'business') throw new KahaError('INVALID_REQUEST', 'Not built');
    const users = [userId, ...conversation.participant_ids];
    const id = this.open(users);
    const record = this.record(id);
    const records = Object.fromEntries(users.map((user) => [user, record]));
    const entry: OutboxEntry = {
      kind: 'conversation',
      change: 'created',
      records,
      event_id: newId(),
      conversation_id: id,
      version: 1,
      user_ids: users,
    };
    this.#owe(entry);
    return { created: true, record, entry };
  }

  /** Carries out a removal, without its system message. It treats any other command as a mute. */
  #change(command: ConversationCommand): ConversationChanged {
    const { user_id: userId, conversation_id: id } = command;
    const gone = command.op === 'conversations.remove' ? command.participant_id : undefined;
    this.change(
      id,
      this.#of(id).users.filter((user) => user !== gone),
    );
    const record = this.record(id);
    const entry: OutboxEntry = {
      kind: 'conversation',
      change: 'updated',
      records: { [userId]: record },
      event_id: newId(),
      conversation_id: id,
      version: record.version,
      user_ids: [userId],
      ...(gone === userId && { closes_membership: true as const }),
    };
    this.#owe(entry);
    const participants = this.#participants({ conversation_id: id });
    return { record, participants, entries: [entry] };
  }

  #participants({ conversation_id: id }: { conversation_id: ConversationId }): Participants {
    const { users, version, business_id } = this.#of(id);
    const joiners = users.flatMap((user): [UserId, number][] => {
      const joinedSeq = this.#joinedSeqs.get(participantKey(id, user));
      return joinedSeq === undefined ? [] : [[user, joinedSeq]];
    });
    const late = joiners;
    const of = business_id && { business_id };
    const type = of === undefined ? 'direct' : 'business';
    return { conversation_id: id, type, ...of, version, user_ids: [...users], late, joiners };
  }

  #readOne(input: ReadInput): ReadResult {
    try {
      return { ok: true, ...this.#read(input) };
    } catch (error) {
      return { ok: false, error: KahaError.from(error).toWire() };
    }
  }

  #read({ user_id: userId, conversation_id: id, seq = 0 }: ReadInput): ReadReply {
    const { users, version, sent, reads } = this.#of(id);
    if (!users.includes(userId)) throw new KahaError('NOT_A_PARTICIPANT', 'Not in it');
    const before = reads.get(userId) ?? 0;
    const position = Math.max(before, Math.min(seq, sent.length));
    reads.set(userId, position);
    const at = new Date().toISOString();
    return {
      version,
      last_read_seq: position,
      unread: sent.length - position,
      ...(position > 0 && { raised: { read_at: at, delivered_seq: position, delivered_at: at } }),
    };
  }

  #positions(request: { conversation_ids: ConversationId[] }): StoreOps['positions.list'][1] {
    const conversations = request.conversation_ids.flatMap((id): ConversationPositions[] => {
      const found = this.#conversations.get(id);
      if (found === undefined) return [];
      const { users, version, reads } = found;
      const positions = users.map((one): [UserId, number] => [one, reads.get(one) ?? 0]);
      return [{ conversation_id: id, version, positions }];
    });
    return { conversations };
  }

  #of(id: ConversationId): Conversation {
    const conversation = this.#conversations.get(id);
    if (conversation === undefined) throw new KahaError('CONVERSATION_NOT_FOUND', 'No such one');
    return conversation;
  }
}

function answerOf(message: MessageRecord, eventId: EventId): AppendResult & { ok: true } {
  const { message_id: id, seq, sent_at: sentAt } = message;
  return { ok: true, message_id: id, event_id: eventId, seq, sent_at: sentAt };
}
