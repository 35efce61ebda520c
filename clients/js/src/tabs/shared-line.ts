import type { LinkState } from '../connection/link-state.ts';
import type { Tokens } from '../connection/tokens.ts';
import { createEngine, type Engine } from '../engine/engine.ts';
import type { Line, LineEvent } from '../engine/line.ts';
import type { Entry } from '../outbox/entry.ts';
import type { Channel } from '../platform/browser-types.ts';
import type { Platform } from '../platform/platform.ts';
import type { ChatStorage } from '../storage/storage.ts';
import type { Ticket } from '../timeline/order.ts';
import { createFollowingTab, type FollowingTab } from './following-tab.ts';
import { createLeadership } from './leadership.ts';
import { createLeadingTab, type LeadingTab } from './leading-tab.ts';
import type { ConnectionState, TabMessage } from './tab-message.ts';

type Deps = {
  url: string;
  tokens: Tokens;
  platform: Platform;
  userId: string | undefined;
  /** Resolves with the id of this device. */
  deviceId: () => Promise<string>;
  /** A storage that never rejects. */
  storage: ChatStorage;
  /** The storage, the lock and the channel belong to one user, so their names begin so. */
  prefix: string;
  onEvent: (event: LineEvent, ticket?: Ticket) => void;
  onState: (state: ConnectionState) => void;
  onMissed: () => void;
  /** The user has left in another tab. */
  onLogout: () => void;
  /** The messages that this tab knows to be unsent. */
  unsent: () => readonly Entry[];
};

export type SharedLine = {
  line(): Line | undefined;
  /** The application has the event of this ticket. */
  done(ticket: Ticket): void;
  /** The page may end. */
  rest(): void;
  /** All other tabs hear it. */
  say(message: TabMessage): void;
  /** Leaves the other tabs to themselves. */
  end(): void;
};

/**
 * Makes the line of this tab to the server. Of the tabs of one user, one has the socket and the
 * outbox, and the others go through it. Where there are no tabs, the line has both.
 */
export function createSharedLine(deps: Deps): SharedLine {
  const { platform, prefix, onState, onEvent } = deps;
  const { locks, openChannel } = platform;
  const tab = platform.uuid();
  let engine: Engine | undefined;
  let leading: LeadingTab | undefined;
  let following: FollowingTab | undefined;
  let channel: Channel | undefined;
  let isOver = false;

  const line = (): Line | undefined => engine ?? following;
  const say = (message: TabMessage): void => channel?.postMessage(message);
  const onSilence = (): void => leadership?.steal();
  const leave = (): void => {
    const last = line();
    engine = leading = following = undefined;
    last?.close();
  };
  const lead = async (): Promise<void> => {
    const deviceId = await deps.deviceId();
    if (isOver || leadership?.isLeader() === false) return;
    leave();
    const own: Engine = createEngine({
      ...{ ...deps, deviceId, prefix: `${prefix}outbox ` },
      onEvent(event, ticket) {
        if (own !== engine) return;
        leading?.event(event);
        onEvent(event, ticket);
      },
      onState(state) {
        if (own === engine) onState(stateOf(state));
        if (own === engine) leading?.state();
      },
    });
    engine = own;
    leading = createLeadingTab({ tab, say, engine, state: () => stateOf(own.state()) });
    await own.load(deps.unsent());
    if (own === engine) own.take({ is: 'connect' });
  };
  const follow = (): void => {
    if (engine) deps.onMissed(); // Only the new leader got what came meanwhile.
    leave();
    following = createFollowingTab({ ...deps, tab, unsent: deps.unsent(), say, onSilence });
  };
  const isShared = platform.isPage && locks && openChannel;
  if (isShared) {
    channel = openChannel(prefix);
    channel.onmessage = ({ data }: { data: TabMessage }) => {
      if (data.say === 'logout') deps.onLogout();
      else (leading ?? following)?.hear(data);
    };
    follow();
  }
  const leadership = isShared
    ? createLeadership({ name: prefix, locks, onLead: lead, onLost: follow })
    : undefined;
  if (!isShared) void lead();
  return {
    line,
    done: (ticket) => engine?.done(ticket),
    rest: () => following?.rest(),
    say,
    end() {
      isOver = true;
      leave();
      leadership?.end();
      channel?.close();
    },
  };
}

function stateOf({ at, why }: LinkState): ConnectionState {
  if (at === 'open') return { status: 'connected' };
  if (at === 'idle') return { status: 'disconnected' };
  return { status: at === 'suspended' ? at : 'connecting', ...why };
}
