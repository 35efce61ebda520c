import type { Platform } from '../platform/platform.ts';
import type { ServerFrame, ServerFrames } from '../protocol/events.ts';
import {
  IDLE,
  type LinkEffect,
  type LinkInput,
  type LinkState,
  next,
  wakeAt,
} from './link-state.ts';
import { openSocket, type Socket } from './socket.ts';
import type { Tokens } from './tokens.ts';

type Deps = {
  /** The server has this address, as `https://chat.example.com`. */
  url: string;
  deviceId: () => string;
  tokens: Tokens;
  platform: Platform;
  /** The connection calls this with each frame but `auth_ok` and `pong`. */
  onFrame: (frame: ServerFrame) => void;
  /** A session has begun. */
  onSession: (session: ServerFrames['auth_ok']) => void;
  onState: (state: LinkState) => void;
};

type Frame = Record<string, unknown> & { type: string };

/** The application may hand out a new token this late before the old one ends. */
const RENEWAL_RETRY_MS = 10_000;
/** Rounding must not let a timer fire before its time has come. */
const TIMER_SLACK_MS = 1;
const NOT_CODED = 1006;

/**
 * Keeps one session with the server open: it gets tokens, opens sockets, proves with pings that the
 * link is alive, and comes back after every end that allows it. `link-state.ts` decides all that.
 */
export class Connection {
  readonly #deps: Deps;
  #state: LinkState = IDLE;
  #socket: Socket | undefined;
  #timer: unknown;
  #timerAt: number | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get state(): LinkState {
    return this.#state;
  }

  connect(): void {
    this.#take({ is: 'connect' });
  }

  disconnect(): void {
    this.#take({ is: 'disconnect' });
  }

  /** The page became visible, or the network came back. */
  wake(): void {
    this.#take({ is: 'woken' });
  }

  /** Sends a frame, and returns false if there is no open session. */
  send(frame: Frame): boolean {
    if (this.#state.at !== 'open') return false;
    this.#socket?.send(JSON.stringify(frame));
    this.#take({ is: 'sent' });
    return true;
  }

  #take(input: LinkInput): void {
    const { platform, onState } = this.#deps;
    const moment = { now: platform.now(), random: platform.random() };
    const before = this.#state;
    const { state, effects } = next(before, input, moment);
    this.#state = state;
    for (const effect of effects) this.#carryOut(effect);
    this.#schedule();
    if (this.#state === state && state.at !== before.at) onState(state);
  }

  #carryOut(effect: LinkEffect): void {
    switch (effect) {
      case 'get token':
      case 'get fresh token':
        void this.#getToken(effect === 'get fresh token');
        break;
      case 'open':
        this.#open();
        break;
      case 'close':
        this.#close();
        break;
      case 'ping':
        this.#socket?.send('{"type":"ping"}');
        break;
    }
  }

  /** A token that comes after the state has changed is kept for the next attempt. */
  async #getToken(isFresh: boolean): Promise<void> {
    try {
      await this.#deps.tokens.get(isFresh);
    } catch (error) {
      this.#take({ is: 'no token' });
      return void error;
    }
    this.#take({ is: 'token' });
  }

  /** An address that no socket can be opened to is treated as a server that does not answer. */
  #open(): void {
    try {
      this.#socket = this.#newSocket();
    } catch (error) {
      this.#take({ is: 'closed', code: NOT_CODED, reason: String(error) });
    }
  }

  #newSocket(): Socket {
    const { url, tokens, platform, deviceId } = this.#deps;
    const socket: Socket = openSocket(url, platform, {
      opened: async () => {
        const token = await tokens.get();
        socket.send(JSON.stringify({ type: 'auth', token, device_id: deviceId() }));
      },
      received: (frame) => {
        if (socket === this.#socket) this.#receive(frame);
      },
      closed: (end) => {
        if (socket !== this.#socket) return;
        this.#socket = undefined;
        this.#take({ is: 'closed', ...end });
      },
    });
    return socket;
  }

  #close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #receive(frame: ServerFrame): void {
    const { tokens, onFrame, onSession } = this.#deps;
    this.#take({ is: 'received' });
    switch (frame.type) {
      case 'auth_ok':
        tokens.setServerTime(frame.server_time);
        if (this.#state.at !== 'opening') return;
        this.#take({ is: 'auth_ok', heartbeatMs: frame.heartbeat_interval_ms });
        onSession(frame);
        break;
      case 'token_expiring':
        void this.#renew();
        break;
      case 'going_away':
        this.#take({ is: 'going away', afterMs: frame.reconnect_after_ms });
        break;
      default:
        onFrame(frame);
    }
  }

  /** Renews the token on the live socket. A failure is tried again as long as the socket lives. */
  async #renew(): Promise<void> {
    const { tokens, platform } = this.#deps;
    const socket = this.#socket;
    try {
      const token = await tokens.get(true);
      if (socket === this.#socket) this.send({ type: 'auth', token });
    } catch (error) {
      platform.setTimeout(() => {
        if (socket !== undefined && socket === this.#socket) void this.#renew();
      }, RENEWAL_RETRY_MS);
      return void error;
    }
  }

  /** One timer serves the link. A timer that fires before something is due is set again. */
  #schedule(): void {
    const { platform } = this.#deps;
    const at = wakeAt(this.#state);
    if (at !== undefined && this.#timerAt !== undefined && this.#timerAt <= at) return;
    if (this.#timerAt !== undefined) platform.clearTimeout(this.#timer);
    this.#timerAt = at;
    if (at === undefined) return;
    const delayMs = Math.max(0, at - platform.now()) + TIMER_SLACK_MS;
    this.#timer = platform.setTimeout(() => {
      this.#timerAt = undefined;
      this.#take({ is: 'tick', lateMs: platform.now() - at });
    }, delayMs);
  }
}
