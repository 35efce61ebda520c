import { createTokens } from './connection/tokens.ts';
import { catchUp } from './delivery/catch-up.ts';
import type { ChatEvents } from './delivery/chat-events.ts';
import { createDelivery } from './delivery/delivery.ts';
import { createGapFiller } from './delivery/gap-filler.ts';
import type { Line, LineEvent } from './engine/line.ts';
import { createWatchers } from './engine/watchers.ts';
import { createEmitter } from './events/emitter.ts';
import { Subject } from './events/observable.ts';
import type { ChatOptions } from './options.ts';
import { createSends } from './outbox/sends.ts';
import type { Platform } from './platform/platform.ts';
import { createAsking } from './requests/asking.ts';
import { createRest } from './requests/rest.ts';
import { chooseStorage } from './storage/choose-storage.ts';
import { createAttachment } from './tabs/attachment.ts';
import type { ConnectionState } from './tabs/tab-message.ts';
import type { Ticket } from './timeline/order.ts';

/** Puts the parts of a client together. */
export function createParts(options: ChatOptions & { url: string }, platform: Platform) {
  let { userId } = options;
  const getUserId = (): string | undefined => userId;
  const state = new Subject<ConnectionState>({ status: 'disconnected' });
  /** An error of a handler of errors is not handled again. */
  const report = (error: unknown, type?: keyof ChatEvents): void => {
    if (emitter.has('error') && type !== 'error') void emitter.emit('error', error);
    else platform.reportError(error);
  };
  const emitter = createEmitter<ChatEvents>(report);
  const { url, getToken } = options;
  const tokens = createTokens(getToken, platform.now);
  const line = (): Line | undefined => attachment.line();
  const asking = createAsking({ line, state, platform });
  const sends = createSends({
    ...{ platform, line, userId: getUserId },
    onChange: (change) => void emitter.emit('outbox', change),
  });
  const watchers = createWatchers((keys) => line()?.watch(keys));
  const gaps = createGapFiller({
    ...{ asking, platform },
    gap: (id) => delivery.gap(id),
    take: (id, input) => delivery.order(id, input),
  });
  const follow = (id: string, lastSeq: number): void =>
    delivery.order(id, { is: 'known', lastSeq });
  const readMissed = () =>
    catchUp({ asking, platform, followed: delivery.followed(), follow, filled: gaps.settled });
  const delivery = createDelivery({
    ...{ emitter, userId: getUserId, onGap: gaps.note, catchUp: readMissed },
    onDone: (ticket) => attachment.done(ticket),
  });
  /** Forgets all that is known of the user. */
  const forget = (): void => {
    tokens.forget();
    sends.clear();
    delivery.clear();
    userId = options.userId;
    void emitter.emit('logout', undefined);
  };
  const attachment = createAttachment({
    ...{ url, tokens, platform, userId, unsent: sends.list, onLogout: forget },
    ...chooseStorage(options, platform),
    onUser(id) {
      userId = id;
    },
    onEvent(event: LineEvent, ticket?: Ticket) {
      if (event.type === 'outbox') return sends.take(event);
      if (event.type === 'session') userId = event.user_id;
      delivery.take(event, ticket);
    },
    onState(next) {
      watchers.tell();
      if (JSON.stringify(next) === JSON.stringify(state.value)) return;
      state.set(next);
      void emitter.emit('state', next);
    },
    onMissed: () => delivery.take({ type: 'replay_end', complete: false }),
    onDegraded: (what, error) => void emitter.emit('degraded', { what, reason: String(error) }),
  });
  const rest = createRest({ url, tokens, platform });
  const kept = { state, emitter, asking, sends, watchers, attachment, rest, line };
  return { ...kept, follow, forget, platform, userId: getUserId };
}
