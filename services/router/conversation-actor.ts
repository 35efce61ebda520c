import { KahaError } from '../../shared/errors.ts';
import type { ConversationId, EventId, UserId } from '../../shared/ids.ts';
import type { Logger } from '../../shared/logger.ts';
import type {
  AppendItem,
  AppendReply,
  AppendResult,
  MessageInput,
  MessageSent,
  Participants,
} from '../../shared/rpc.ts';
import { type Letter, Mailbox } from './mailbox.ts';
import { type Appended, messageDelivery, recordOf } from './message-event.ts';
import type { OwedFanOuts } from './owed-fan-outs.ts';
import type { RouterMetrics } from './router-metrics.ts';
import type { Store } from './store-client.ts';

export type Send = Letter & {
  input: MessageInput;
  trace: string | undefined;
  resolve: (sent: MessageSent) => void;
  reject: (error: KahaError) => void;
};

export type ActorDeps = {
  store: Store;
  fanOuts: OwedFanOuts;
  metrics: RouterMetrics;
  logger: Logger;
};

type Fresh = { input: MessageInput; result: Appended };

const MAILBOX_RETRY_AFTER_S = 1;

/**
 * One conversation: its sends in order of arrival, one append in flight; what waits meanwhile is
 * the next append. The sender is answered on commit, the fan-out follows in order of `seq`.
 *
 *     put → mailbox → append → answers → participants of that version? → fan-out → next append
 *                       └ no answer: TIMEOUT. The key makes a repeat safe, the outbox the event.
 */
export class ConversationActor {
  readonly #id: ConversationId;
  readonly #deps: ActorDeps;
  readonly #mailbox = new Mailbox<Send>();
  #participants: Participants | undefined;
  #running: Promise<void> | undefined;
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

  /** Settled by `send.resolve` or `send.reject`, at its deadline at the latest. */
  put(send: Send): void {
    if (!this.#mailbox.put(send)) {
      const options = { retryAfterS: MAILBOX_RETRY_AFTER_S };
      send.reject(new KahaError('RATE_LIMITED', 'Too much at once here', options));
      return;
    }
    this.#running ??= this.#run();
  }

  /** Resolves when nothing waits and nothing is in flight. */
  async drained(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#mailbox.size > 0) {
      await this.#deps.fanOuts.room();
      const { batch, expired } = this.#mailbox.take(Date.now());
      for (const send of expired) send.reject(new KahaError('TIMEOUT', 'Not sent in time'));
      if (batch.length > 0) await this.#append(batch);
    }
    this.#running = undefined;
  }

  async #append(batch: Send[]): Promise<void> {
    const { metrics, store } = this.#deps;
    metrics.appendItems.observe(batch.length);
    // A conversation that is new here: both at once, the answer's version judges what was read.
    const loading = this.#participants === undefined ? this.#load() : undefined;
    let reply: AppendReply;
    try {
      const request = { conversation_id: this.#id, items: batch.map(itemOf) };
      const deadlineAt = batch.reduce((latest, send) => Math.max(latest, send.deadlineAt), 0);
      reply = await store('messages.append', request, { deadlineAt, trace: batch[0]?.trace });
    } catch (error) {
      for (const send of batch) send.reject(KahaError.from(error));
      await loading;
      return;
    }
    this.#answer(batch, reply.results);
    await loading;
    await this.#fanOut(batch, reply);
  }

  #answer(batch: Send[], results: AppendResult[]): void {
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
    if (owed.length > 0) this.#deps.fanOuts.rescue(owed);
  }

  /** Starts the fan-out of what was written; what it cannot start stays in the outbox. */
  async #fanOut(batch: Send[], reply: AppendReply): Promise<void> {
    const { fanOuts, metrics, logger } = this.#deps;
    const fresh = freshOf(batch, reply.results);
    if (fresh.length === 0) return;
    const version = reply.conversation_version;
    if (this.#participants?.version !== version) await this.#load();
    const participants = this.#participants;
    if (participants === undefined || participants.version < version) {
      logger.warn({ version, known: participants?.version }, 'participants unknown, fan-out owed');
      metrics.fanOutsOwed.inc(fresh.length);
      return;
    }
    for (const { input, result } of fresh) {
      const { event_id: eventId, reply_to_seq: repliedSeq } = result;
      const addressed = {
        eventId,
        userIds: participants.user_ids,
        record: recordOf(input, result),
      };
      fanOuts.start(messageDelivery(addressed, blindTo(participants, repliedSeq)));
    }
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

/** Who cannot see the message that one replies to. */
function blindTo({ late }: Participants, repliedSeq: number | undefined): UserId[] | undefined {
  if (repliedSeq === undefined || late.length === 0) return undefined;
  return late.flatMap(([userId, firstSeq]) => (firstSeq > repliedSeq ? userId : []));
}

/** What was written now, by `seq`: store may have written a batch in another order. */
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
