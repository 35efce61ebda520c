import { pause } from '../../shared/concurrency/pause.ts';
import type { FeedEvent, FeedRecipient } from '../../shared/contracts/feed.ts';
import type { TakenOn } from '../../shared/feed/handle-events.ts';
import type { UserId } from '../../shared/ids.ts';
import { steadyMs } from '../../shared/process/clock.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { composeAlert } from './facts/compose-alert.ts';
import type { Scene, Scenes } from './facts/scenes.ts';
import type { PushAlert, PushOutcome, PushSender } from './providers/provider.ts';
import type { PushMetrics } from './push-metrics.ts';
import { type Registrations, toRegistration } from './registrations.ts';
import type { Moment, Question, Ready } from './waiting/chat.ts';
import { LIFE_MS } from './waiting/judge-message.ts';
import { WaitingChats } from './waiting/waiting-chats.ts';

type Deps = {
  scenes: Pick<Scenes, 'ask'>;
  sender: Pick<PushSender, 'send'>;
  registrations: Registrations;
  threadKey: Buffer;
  /** Tells whether the feed has told nearly all that has happened. */
  isCurrent: () => boolean;
  /** Hears which badge a device was given. */
  onBadge: (userId: UserId, deviceId: string, badge: number) => void;
  metrics: PushMetrics;
  logger: Logger;
};

const TICK_MS = 50;
const ROOM_MS = 100;
/** Store is asked again after this. */
const RETRY_MS = 1_000;
/** The first try need not ask again what store said within this time. */
const FRESH_MS = 250;

type Share = (userId: UserId) => boolean;

/**
 * Tells devices of messages that they did not take. `WaitingChats` decides, and this class asks
 * store and sends. While the feed has more to tell than was read, nothing is sent, because the rest
 * may say that it is no longer true. Only where no more messages can be held, the oldest go on.
 */
export class Alerts {
  readonly #deps: Deps;
  readonly #chats: WaitingChats;
  readonly #ending = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(deps: Deps) {
    this.#deps = deps;
    const { spared } = deps.metrics;
    this.#chats = new WaitingChats({ onSpared: (reason) => spared.inc({ reason }) });
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  get waiting(): number {
    return this.#chats.count;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#ending.abort();
  }

  /** Takes on what the feed tells of a message. It waits while too many messages are held. */
  async note(event: FeedEvent, isMine: Share): Promise<TakenOn | undefined> {
    const { sender_id: senderId, seq, recipients } = event;
    const mine = recipients.filter(({ user_id: id }) => id !== senderId && isMine(id));
    if (mine.length === 0 || seq === undefined) return undefined;
    while (!this.#chats.hasRoom && !this.#ending.signal.aborted) {
      await pause(ROOM_MS, this.#ending.signal);
    }
    return takenOn(mine, (recipient, done) =>
      this.#chats.note(
        {
          ...{ ...placeOf(event, recipient), seq, sentAtMs: Date.parse(event.at), done },
          ...{ taken: recipient.taken, isInUse: recipient.in_use === true },
        },
        moment(),
      ),
    );
  }

  noteTaken(event: FeedEvent, isMine: Share): TakenOn | undefined {
    const mine = event.recipients.filter(({ user_id: id }) => isMine(id));
    if (mine.length === 0) return undefined;
    return takenOn(mine, (recipient, done) => {
      const { taken = [], in_use } = recipient;
      const take = { ...placeOf(event, recipient), taken, isInUse: in_use === true };
      this.#chats.noteTaken(take, done);
    });
  }

  noteRead({ conversation_id, seq = 0, recipients }: FeedEvent): void {
    for (const { user_id } of recipients) this.#chats.noteRead(user_id, conversation_id, seq);
  }

  #tick(): void {
    if (!this.#deps.isCurrent() && this.#chats.hasRoom) return;
    for (const question of this.#chats.due(steadyMs())) void this.#answer(question);
  }

  async #answer(question: Question): Promise<void> {
    const { chat, seqs } = question;
    const askedMs = steadyMs();
    try {
      const about = { user_id: chat.userId, conversation_id: chat.conversationId, seqs };
      const scene = await this.#deps.scenes.ask(about);
      for (const ready of this.#chats.judge(question, scene.facts, moment())) {
        void this.#send(ready, { scene, seqs, askedMs });
      }
    } catch (error) {
      this.#deps.logger.warn({ err: error }, 'what is true of messages is not known');
      this.#chats.postpone(question, steadyMs() + RETRY_MS);
    }
  }

  /** The outcome never rejects. */
  async #send(ready: Ready, first: Asked): Promise<void> {
    const { sender, registrations, metrics, onBadge } = this.#deps;
    const { chat, device } = ready;
    let asked: Asked | undefined = first;
    let composed: PushAlert | undefined;
    const compose = async (): Promise<PushAlert | undefined> => {
      const isFresh = asked !== undefined && steadyMs() - asked.askedMs < FRESH_MS;
      const about = isFresh && asked !== undefined ? asked : await this.#askAgain(ready);
      asked = undefined;
      composed = this.#compose(ready, about);
      return composed;
    };
    const outcome: PushOutcome = await sender.send(toRegistration(device), compose);
    if (outcome.kind === 'sent' && composed !== undefined) {
      const sentAtMs = composed.expiresAtMs - LIFE_MS;
      metrics.alertSeconds.observe(Math.max(0, Date.now() - sentAtMs) / 1_000);
      onBadge(chat.userId, device.device_id, composed.badge);
    }
    this.#chats.end(ready, outcome);
    await registrations.settle(chat.userId, device, outcome);
  }

  async #askAgain(ready: Ready): Promise<Asked> {
    const { chat } = ready;
    const seqs = this.#chats.owedSeqs(ready);
    const about = { user_id: chat.userId, conversation_id: chat.conversationId, seqs };
    return { scene: await this.#deps.scenes.ask(about), seqs, askedMs: steadyMs() };
  }

  #compose(ready: Ready, { scene, seqs }: Asked): PushAlert | undefined {
    const { facts } = scene;
    const messages = this.#chats.compose(ready, { facts, seqs }, moment());
    const [oldest, ...others] = messages ?? [];
    if (oldest === undefined) return undefined;
    const { threadKey } = this.#deps;
    const { conversationId } = ready.chat;
    const about = { conversationId, device: ready.device, scene, threadKey };
    return composeAlert({ ...about, messages: [oldest, ...others] });
  }
}

/** Store said this of these messages at this time. */
type Asked = { scene: Scene; seqs: readonly number[]; askedMs: number };

function moment(): Moment {
  return { steadyMs: steadyMs(), wallMs: Date.now() };
}

function placeOf({ event_id, conversation_id }: FeedEvent, { user_id }: FeedRecipient) {
  return { eventId: event_id, userId: user_id, conversationId: conversation_id };
}

/** An event is done with once it is for each of its recipients. */
function takenOn(
  recipients: readonly FeedRecipient[],
  take: (recipient: FeedRecipient, done: () => void) => void,
): TakenOn {
  let left = recipients.length;
  const done = new Promise<void>((resolve) => {
    for (const recipient of recipients) {
      take(recipient, () => {
        left -= 1;
        if (left === 0) resolve();
      });
    }
  });
  return { done };
}
