import type { Line, LineEvent } from '../engine/line.ts';
import type { Entry } from '../outbox/entry.ts';
import type { Platform } from '../platform/platform.ts';
import type { WatchKey } from '../protocol/frames.ts';
import { createRequests } from '../requests/requests.ts';
import { createHearing } from './hearing.ts';
import { createLeaderCheck } from './leader-check.ts';
import type { ConnectionState, LineMethod, TabMessage } from './tab-message.ts';

type Deps = {
  /** A tab has this id among the others. */
  tab: string;
  say: (message: TabMessage) => void;
  platform: Platform;
  onEvent: (event: LineEvent) => void;
  onState: (state: ConnectionState) => void;
  /** This tab knows these to be unsent. The leader may not. */
  unsent: readonly Entry[];
  /** This tab has missed events of the leader. */
  onMissed: () => void;
  /** The leader does not answer. */
  onSilence: () => void;
};

export type FollowingTab = Line & {
  hear(message: TabMessage): void;
  /** The page may end, so the leader forgets what this tab watches. */
  rest(): void;
};

/** Reaches the server through the tab that leads. */
export function createFollowingTab(deps: Deps): FollowingTab {
  const { tab, say, platform, onState } = deps;
  onState({ status: 'connecting' });
  /** The leader has not confirmed these messages yet. */
  const unconfirmed = new Map(deps.unsent.map((entry) => [entry.client_msg_id, entry]));
  let keys: readonly WatchKey[] = [];

  const call = (method: LineMethod, argument?: unknown, id?: number): void =>
    say({ say: 'do', method, argument, from: tab, id });
  const check = createLeaderCheck({ ...deps, hello: () => say({ say: 'hello' }) });
  const requests = createRequests({
    platform,
    send({ id, ...request }) {
      call('ask', request, id);
      return true;
    },
  });
  const onEvent = (event: LineEvent): void => {
    if (event.type === 'outbox') unconfirmed.delete(event.entry.client_msg_id);
    deps.onEvent(event);
  };
  const hear = createHearing({
    ...{ ...deps, onEvent, onAnswer: requests.take, onHere: check.answered },
    onState(state) {
      if (state.status !== 'connected') requests.fail();
      onState(state);
    },
    /** A new leader knows nothing of this tab. */
    onNewLeader({ entries, state }) {
      requests.fail();
      for (const entry of entries) {
        onEvent({ type: 'outbox', change: entry.error ? 'failed' : 'added', entry });
      }
      for (const entry of unconfirmed.values()) call('add', entry);
      call('watch', keys);
      onState(state);
    },
  });
  return {
    hear,
    ask: requests.ask,
    tell: (request) => call('tell', request),
    add(entry) {
      unconfirmed.set(entry.client_msg_id, entry);
      call('add', entry);
    },
    retry: (id) => call('retry', id),
    discard(id) {
      unconfirmed.delete(id);
      call('discard', id);
    },
    watch(wanted) {
      keys = wanted;
      call('watch', keys);
    },
    take(input) {
      call('take', input);
      call('watch', keys);
      check.hello();
    },
    rest: () => call('watch', []),
    close() {
      call('watch', []);
      check.end();
      requests.fail();
    },
  };
}
