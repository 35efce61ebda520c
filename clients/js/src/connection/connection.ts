import type { Platform } from '../platform/platform.ts';
import { BAD_TOKEN } from '../protocol/close-codes.ts';
import type { ServerFrame, ServerFrames } from '../protocol/events.ts';
import { createAlarm } from './alarm.ts';
import {
  IDLE,
  type LinkEffect,
  type LinkInput,
  type LinkState,
  next,
  wakeAt,
} from './link-state.ts';
import { type End, openSocket, type Socket } from './socket.ts';
import type { Tokens } from './tokens.ts';

type Session = ServerFrames['auth_ok'];
type Deps = {
  /** The server has this address, as `https://chat.example.com`. */
  url: string;
  deviceId: string;
  tokens: Tokens;
  platform: Platform;
  /** The connection calls this with the frames that do not concern itself. */
  onFrame: (frame: ServerFrame) => void;
  /** Tells whether the session is the one that is wanted. Another one ends like a refused token. */
  accepts: (session: Session) => boolean;
  /** A session has begun. */
  onSession: (session: Session) => void;
  onState: (state: LinkState) => void;
};

type Connection = {
  state(): LinkState;
  take(input: LinkInput): void;
  /** Sends a frame, and returns false if there is no open session. */
  send(frame: object): boolean;
};

/**
 * A token is renewed so soon after the server asks for it, and again if the application cannot give
 * one. A token that is short from the beginning is asked for at once each time.
 */
const RENEWAL_MS = 1_000;

/**
 * Keeps one session with the server open: it gets tokens, opens sockets, proves with pings that the
 * link is alive, and comes back after every end that allows it. `link-state.ts` decides all that.
 */
export function createConnection(deps: Deps): Connection {
  const { platform, tokens, onState } = deps;
  let state = IDLE;
  /** The application knows this state. */
  let told = IDLE.at;
  let socket: Socket | undefined;
  /** The next socket proves by this token who the user is. */
  let token: string;
  const setAlarm = createAlarm(platform, (lateMs) => take({ is: 'tick', lateMs }));

  const take = (input: LinkInput): void => {
    const step = next(state, input, { now: platform.now(), random: platform.random() });
    state = step.state;
    for (const effect of step.effects) carryOut(effect);
    setAlarm(wakeAt(state));
    if (state.at === told) return;
    told = state.at;
    onState(state);
  };
  const carryOut = (effect: LinkEffect): void => {
    if (effect === 'open') socket = openSocket({ ...deps, token, received, closed });
    else if (effect === 'ping') socket?.send({ type: 'ping' });
    else if (effect === 'close') {
      socket?.close();
      socket = undefined;
    } else {
      const failed = (): void => take({ is: 'no token' });
      tokens.get(effect === 'fresh token').then((given) => {
        token = given;
        take({ is: 'token' });
      }, failed);
    }
  };
  const send = (frame: object): boolean => {
    if (state.at !== 'open') return false;
    socket?.send(frame);
    take({ is: 'sent' });
    return true;
  };
  const closed = (end: End): void => take({ is: 'closed', ...end });
  const received = (frame: ServerFrame): void => {
    take({ is: 'received' });
    if (frame.type === 'auth_ok') begin(frame);
    else if (frame.type === 'token_expiring') renew(socket);
    else if (frame.type === 'going_away') {
      take({ is: 'going away', afterMs: frame.reconnect_after_ms });
    } else deps.onFrame(frame);
  };
  const begin = (session: Session): void => {
    tokens.setServerTime(session.server_time);
    if (state.at !== 'opening') return;
    if (deps.accepts(session)) {
      take({ is: 'auth_ok', heartbeatMs: session.heartbeat_interval_ms });
      deps.onSession(session);
    } else {
      carryOut('close');
      take({ is: 'closed', code: BAD_TOKEN, reason: 'the token of another user' });
    }
  };
  /** Renews the token on the live socket. A failure is tried again as long as the socket lives. */
  const renew = (on: Socket | undefined): void => {
    platform.after(RENEWAL_MS, async () => {
      const fresh = on === socket && (await tokens.get(true).catch((error: unknown) => void error));
      if (on !== socket) return;
      if (fresh) send({ type: 'auth', token: fresh });
      else renew(on);
    });
  };
  return { state: () => state, take, send };
}
