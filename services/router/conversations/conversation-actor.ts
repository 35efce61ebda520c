import type { AppendItem, AppendReply, AppendResult } from '../../../shared/contracts/append.ts';
import type { ConversationCommand, Participants } from '../../../shared/contracts/conversations.ts';
import type { MessageInput, MessageSent } from '../../../shared/contracts/messages.ts';
import type { ConversationChanged, OutboxEntryOf } from '../../../shared/contracts/outbox.ts';
import { addressMessage } from '../../../shared/durable-events/message.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { ConversationId, EventId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { StepReports } from '../assignment/step-reports.ts';
import { type Appended, deliveryOf, recordOf } from '../fan-out/deliveries.ts';
import type { InHand, OwedFanOuts } from '../fan-out/owed-fan-outs.ts';
import type { LiveReceipts } from '../positions/live-receipts.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import { handOn } from './hand-on.ts';
import { type Letter, Mailbox } from './mailbox.ts';
import type { MembershipSignals } from './membership-signals.ts';

type Asked<Answer> = Letter & {
  trace: string | undefined;
  resolve: (answer: Answer) => void;
  reject: (error: KahaError) => void;
};
type Send = Asked<MessageSent> & { input: MessageInput; isAlone?: false };
type Change = Asked<ConversationChanged> & { command: ConversationCommand; isAlone: true };

export type ActorDeps = {
  store: AskStore;
  fanOuts: OwedFanOuts;
  liveReceipts: Pick<LiveReceipts, 'noteVersion'>;
  memberships: Pick<MembershipSignals, 'publish'>;
  steps: Pick<StepReports, 'tell'>;
  metrics: RouterMetrics;
  logger: Logger;
};

type MessageEntry = OutboxEntryOf<'message'>;
type Fresh = { input: MessageInput; result: Appended };

const MAILBOX_RETRY_AFTER_S = 1;
/** Participants leave by these commands. */
const LEAVING: readonly ConversationCommand['op'][] = [
  'conversations.remove',
  'conversations.assign',
  'conversations.release',
  'conversations.close',
  'conversations.return',
  'conversations.end',
];
const PARTICIPANT_CHANGES: readonly ConversationCommand['op'][] = [
  ...LEAVING,
  'conversations.add',
  'conversations.assign_waiting',
];

/**
 * Serves one conversation. It takes sends and changes in order of arrival, and only one append or
 * change is in flight. Sends that wait meanwhile make up the next append. A request is answered
 * once it is committed. Then the fan-out starts, in order of `seq`, to users who take part now and
 * took part at that `seq`.
 *
 *     put → mailbox ┬ append → answers → participants of that version? ┬ fan-out → next
 *                   └ change → answer → its participants ──────────────┘
 *
 * If store does not answer, the requests end with TIMEOUT. The key of a send makes its repeat safe,
 * and the outbox keeps its event. A user who was removed is told of the removal once all earlier
 * events have settled. An earlier event that is not in a queue by then stays owed, and only to the
 * users who are left.
 */
export class ConversationActor {
  readonly #id: ConversationId;
  readonly #deps: ActorDeps;
  readonly #mailbox = new Mailbox<Send | Change>();
  #participants: Participants | undefined;
  #running: Promise<void> | undefined;
  /** This step is the append or change in flight. It lasts until its fan-out has begun. */
  #step: Promise<void> | undefined;
  lastUsedAt = 0;

  constructor(id: ConversationId, deps: ActorDeps) {
    this.#id = id;
    this.#deps = deps;
  }

  get idle(): boolean {
    return this.#running === undefined;
  }

  get depth(): number {
    return this.#mailbox.size;
  }

  /** Takes a send or a change, and calls its `resolve` or `reject` by its deadline. */
  put(asked: Send | Change): void {
    if (!this.#mailbox.put(asked)) {
      const options = { retryAfterS: MAILBOX_RETRY_AFTER_S };
      asked.reject(new KahaError('RATE_LIMITED', 'Too much at once here', options));
      return;
    }
    this.#running ??= this.#run();
  }

  /**
   * Resolves when the step in flight has begun its fan-out. The result is undefined if no
   * step is in flight.
   */
  get settled(): Promise<void> | undefined {
    return this.#step;
  }

  /** Resolves when no request waits and no step is in flight. */
  async drained(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#mailbox.size > 0) {
        await this.#deps.fanOuts.room();
        const { batch, expired } = this.#mailbox.take(steadyMs());
        for (const asked of expired) asked.reject(new KahaError('TIMEOUT', 'Not sent in time'));
        const [first] = batch;
        if (first?.isAlone === true) this.#step = this.#change(first);
        else if (first !== undefined) this.#step = this.#append(batch as Send[]);
        await this.#step;
        this.#step = undefined;
      }
    } finally {
      this.#step = undefined;
      this.#running = undefined;
    }
  }

  async #append(batch: Send[]): Promise<void> {
    const { metrics, store } = this.#deps;
    metrics.appendItems.observe(batch.length);
    const { business_id } = this.#participants ?? {};
    let reply: AppendReply;
    try {
      const request = {
        conversation_id: this.#id,
        items: batch.map(itemOf),
        ...(this.#participants === undefined && { needs_participants: true as const }),
        ...(business_id !== undefined && { business_id }),
      };
      const deadlineAt = batch.reduce((latest, send) => Math.max(latest, send.deadlineAt), 0);
      reply = await store('messages.append', request, { deadlineAt, trace: batch[0]?.trace });
    } catch (error) {
      for (const send of batch) send.reject(KahaError.from(error));
      return;
    }
    if (reply.participants !== undefined) this.#know(reply.participants);
    this.#deps.liveReceipts.noteVersion(this.#id, reply.conversation_version);
    const owed = this.#answer(batch, reply.results);
    const { inbox, first_response_ms: firstMs, entries } = reply;
    if (inbox !== undefined) this.#deps.steps.tell(inbox);
    if (firstMs !== undefined) metrics.firstResponseS.observe(firstMs / 1_000);
    if (entries !== undefined) metrics.awayMessages.inc(entries.length);
    await this.#fanOut(batch, reply);
    // A send that this batch held twice is in hand by now, and needs no rescue.
    if (owed.length > 0) this.#deps.fanOuts.rescue(owed);
  }

  /** Returns the events that are still owed, although their sends were stored before. */
  #answer(batch: Send[], results: AppendResult[]): EventId[] {
    const owed: EventId[] = [];
    for (const [index, send] of batch.entries()) {
      const result = results[index];
      if (result === undefined) {
        send.reject(new KahaError('INTERNAL', 'Store gave no answer'));
      } else if (result.ok) {
        send.resolve(sentOf(send.input, result));
        if (result.duplicate && result.fanout_pending) owed.push(result.event_id);
      } else {
        send.reject(KahaError.fromWire(result.error as Parameters<typeof KahaError.fromWire>[0]));
      }
    }
    return owed;
  }

  async #change({ command, deadlineAt, trace, resolve, reject }: Change): Promise<void> {
    const { store, fanOuts, liveReceipts, memberships } = this.#deps;
    // What this router has in hand now was sent before somebody leaves. What another router has in
    // hand then, store names in `owed_before`. `startLast` waits for both.
    const inHand: InHand = LEAVING.includes(command.op) ? fanOuts.inHand() : new Map();
    let changed: ConversationChanged;
    try {
      changed = await store('conversations.change', command, { deadlineAt, trace });
    } catch (error) {
      reject(KahaError.from(error));
      return;
    }
    const { participants } = changed;
    this.#participants = participants;
    liveReceipts.noteVersion(this.#id, participants.version);
    if (PARTICIPANT_CHANGES.includes(command.op)) memberships.publish(changed);
    this.#deps.steps.tell(changed.inbox);
    resolve(changed);
    handOn(fanOuts, changed, inHand);
  }

  /** A read that was under way during an append or a change may be the older one. */
  #know(participants: Participants): void {
    if (this.#participants !== undefined && this.#participants.version > participants.version)
      return;
    this.#participants = participants;
  }

  /**
   * Starts the fan-out of new messages, and of those that store wrote after them, in the order of
   * `seq`. An event whose fan-out cannot start stays in the outbox.
   */
  async #fanOut(batch: Send[], reply: AppendReply): Promise<void> {
    const { fanOuts, metrics, logger } = this.#deps;
    const fresh = freshOf(batch, reply.results);
    if (fresh.length === 0) return;
    const { conversation_version: version, entries } = reply;
    const count = fresh.length + (entries?.length ?? 0);
    if (this.#participants === undefined || this.#participants.version < version)
      await this.#load();
    const participants = this.#participants;
    if (participants === undefined || participants.version < version) {
      logger.warn({ version, known: participants?.version }, 'participants unknown, fan-out owed');
      metrics.fanOutsOwed.inc(count);
      return;
    }
    const owed: MessageEntry[] = fresh.map(({ input, result }) => {
      const { event_id, reply_to_seq: repliedSeq } = result;
      const addressed = addressMessage(participants, recordOf(input, result), repliedSeq);
      const kind = 'message';
      // A spread at the end costs 0.05 µs, and one in front of other fields 1.6 µs.
      return { kind, event_id, conversation_id: this.#id, ...addressed };
    });
    if (entries !== undefined) owed.push(...entries);
    if (count > fresh.length) owed.sort((one, other) => one.message.seq - other.message.seq);
    for (const entry of owed) fanOuts.start(deliveryOf(entry));
  }

  async #load(): Promise<void> {
    const request = { conversation_id: this.#id };
    try {
      this.#participants = await this.#deps.store('conversations.participants', request);
    } catch (error) {
      this.#participants = undefined;
      this.#deps.logger.debug({ err: error }, 'participants not loaded');
    }
  }
}

/**
 * Returns the messages that this append has written, by `seq`. Store may have written a batch in
 * another order.
 */
function freshOf(batch: Send[], results: AppendResult[]): Fresh[] {
  const fresh: Fresh[] = [];
  for (const [index, { input }] of batch.entries()) {
    const result = results[index];
    if (result?.ok && result.duplicate !== true) fresh.push({ input, result });
  }
  return fresh.sort((one, other) => one.result.seq - other.result.seq);
}

function itemOf({ input }: Send): AppendItem {
  const item: AppendItem = {
    user_id: input.user_id,
    client_msg_id: input.client_msg_id,
    content: input.content,
  };
  if (input.message_type !== undefined) item.message_type = input.message_type;
  if (input.metadata !== undefined) item.metadata = input.metadata;
  if (input.reply_to !== undefined) item.reply_to = input.reply_to;
  return item;
}

function sentOf(input: MessageInput, result: Appended): MessageSent {
  const sent: MessageSent = {
    message_id: result.message_id,
    conversation_id: input.conversation_id,
    client_msg_id: input.client_msg_id,
    seq: result.seq,
    sent_at: result.sent_at,
  };
  if (result.duplicate) sent.duplicate = true;
  return sent;
}
