import { BAD_TOKEN, GOING_AWAY, isRefusal, TOKEN_EXPIRED } from '../protocol/close-codes.ts';
import { backoffMs } from './backoff.ts';

/** This says why the last connection ended, or the last attempt failed. */
type Reason = { code?: number; reason?: string };

/**
 * The link to the server is in one of these states. All times are epoch milliseconds.
 *
 *     idle ──connect──► token ──token──► opening ──auth_ok──► open
 *      ▲                  ▲                 │ closed            │ closed, dead, going away
 *      └─ disconnect      └─── tick ── waiting ◄────────────────┤
 *         (from any)                                            └─ 4500-4999 ─► suspended
 */
export type LinkState =
  | { at: 'idle'; why: Reason }
  | Trying
  | Open
  /** The client does not come back by itself. */
  | { at: 'suspended'; why: Reason };

/** `getToken` is under way, or the socket opens, or the next attempt waits, until this time. */
type Trying = {
  at: 'token' | 'opening' | 'waiting';
  until: number;
  attempts: number;
  /** The last token was refused, or has ended. */
  isRefused?: boolean;
  why: Reason;
};

type Open = {
  at: 'open';
  openedAt: number;
  attempts: number;
  /** A ping is due once nothing was sent, or nothing was received, for this long. */
  quietMs: number;
  receivedAt: number;
  sentAt: number;
  /** Nothing has come since this ping. */
  pingedAt?: number | undefined;
  /** The ping is a second one, because the time of the first one's answer was slept through. */
  isAskedAgain?: boolean;
  /** The server asked the client to come back at this time. */
  leaveAt?: number;
  why: Reason;
};

export type LinkInput =
  | { is: 'connect' }
  | { is: 'disconnect' }
  | { is: 'token' }
  | { is: 'no token' }
  | { is: 'auth_ok'; heartbeatMs: number }
  | { is: 'received' }
  | { is: 'sent' }
  | { is: 'closed'; code: number; reason: string; pauseMs?: number | undefined }
  | { is: 'going away'; afterMs: number }
  /** The time has come that `wakeAt` told; `lateMs` says how long ago. */
  | { is: 'tick'; lateMs: number }
  /** The page became visible, or the machine is back on a network. */
  | { is: 'woken' };

/** The link asks for these. `fresh token` forbids a token that was used before. */
export type LinkEffect = 'token' | 'fresh token' | 'open' | 'close' | 'ping';

type Step = { state: LinkState; effects: readonly LinkEffect[] };
/** `random` is a number from 0 to 1 that no other step had. */
type Moment = { now: number; random: number };

const TOKEN_MS = 30_000;
const OPENING_MS = 10_000;
/**
 * A ping is due after this part of the heartbeat's interval. The interval is 15 s, so a dead link
 * is noticed after 12 s + 8 s, and the server, which waits for 30 s, hears of the client in time.
 */
const QUIET_PART = 0.8;
const VERDICT_MS = 8_000;
/** A timer that is later than this was throttled, or the machine slept. */
const LATE_MS = 2_000;
/** A link that brought something so recently is alive. */
const TRUSTED_MS = 2_000;
/** A connection that lasted so long was a good one, so the next attempts begin anew. */
const GOOD_MS = 10_000;
const NOT_CODED = 1006;

export const IDLE: LinkState = { at: 'idle', why: {} };

/** Decides what an input makes of the link. It has no clock and no other effect than it returns. */
export function next(state: LinkState, input: LinkInput, moment: Moment): Step {
  const { now } = moment;
  switch (input.is) {
    case 'connect': {
      const isOver = state.at === 'idle' || state.at === 'suspended';
      return isOver ? askToken({ isRefused: state.at === 'suspended' }, now) : to(state);
    }
    case 'disconnect':
      return to(IDLE, ...(hasSocket(state) ? (['close'] as const) : []));
    case 'token':
      if (state.at !== 'token') break;
      return to({ ...state, at: 'opening', until: now + OPENING_MS }, 'open');
    case 'no token':
      return state.at === 'token' ? noToken(state, moment) : to(state);
    case 'closed':
      return hasSocket(state) ? closed(state, input, moment) : to(state);
    case 'tick':
      return now >= (wakeAt(state) ?? Infinity) ? tick(state, input.lateMs, moment) : to(state);
    case 'woken':
      return woken(state, moment);
    default:
      return to(state.at === 'open' ? noted(state, input, now) : opened(state, input, now));
  }
  return to(state);
}

/** Returns when the link wants a `tick`, or undefined if time changes nothing. */
export function wakeAt(state: LinkState): number | undefined {
  if (state.at !== 'open') return (state as Partial<Trying>).until;
  const { pingedAt, receivedAt, sentAt, quietMs, leaveAt = Infinity } = state;
  const due = pingedAt ? pingedAt + VERDICT_MS : Math.min(receivedAt, sentAt) + quietMs;
  return Math.min(due, leaveAt);
}

function to(state: LinkState, ...effects: LinkEffect[]): Step {
  return { state, effects };
}

type WithSocket = Open | (Trying & { at: 'opening' });

function hasSocket({ at }: LinkState): boolean {
  return at === 'opening' || at === 'open';
}

function askToken({ attempts = 0, isRefused = false, why = {} }: Partial<Trying>, now: number) {
  const state: Trying = { at: 'token', until: now + TOKEN_MS, attempts, isRefused, why };
  return to(state, isRefused ? 'fresh token' : 'token');
}

function wait({ attempts = 0, isRefused = false, why = {} }: Partial<Trying>, delayMs: number) {
  return to({ at: 'waiting', until: delayMs, attempts: attempts + 1, isRefused, why });
}

function noToken(state: Trying, { now, random }: Moment): Step {
  const why = { reason: 'no token' };
  return wait({ ...state, why }, now + backoffMs(state.attempts, random));
}

function opened(state: LinkState, input: LinkInput, now: number): LinkState {
  if (state.at !== 'opening' || input.is !== 'auth_ok') return state;
  const quietMs = QUIET_PART * input.heartbeatMs;
  const { attempts } = state;
  return { at: 'open', openedAt: now, receivedAt: now, sentAt: now, attempts, quietMs, why: {} };
}

function noted(state: Open, input: LinkInput, now: number): LinkState {
  switch (input.is) {
    case 'received':
      return { ...state, receivedAt: now, pingedAt: undefined };
    case 'sent':
      return { ...state, sentAt: now };
    case 'going away':
      return { ...state, leaveAt: now + input.afterMs };
    default:
      return state;
  }
}

/**
 * A token that was refused, or ended, is replaced by a fresh one. A fresh one that is refused too
 * suspends the client, as all codes of that range do.
 */
function closed(from: LinkState, input: LinkInput & { is: 'closed' }, moment: Moment): Step {
  const state = from as WithSocket;
  const { code, reason, pauseMs = 0 } = input;
  const why = { code, reason };
  const isTokenBad = code === BAD_TOKEN && (state.at === 'open' || !state.isRefused);
  if (isRefusal(code) && !isTokenBad) return to({ at: 'suspended', why });
  const wasGood = state.at === 'open' && moment.now - state.openedAt >= GOOD_MS;
  const attempts = wasGood ? 0 : state.attempts;
  const isRefused = isTokenBad || code === TOKEN_EXPIRED;
  const delayMs = pauseMs + backoffMs(attempts, moment.random);
  return wait({ attempts, isRefused, why }, moment.now + delayMs);
}

function tick(state: LinkState, lateMs: number, moment: Moment): Step {
  if (state.at === 'opening') return cut(state, 'no answer', moment);
  if (state.at === 'open') return beat(state, lateMs, moment);
  return state.at === 'token' ? noToken(state, moment) : askToken(state as Trying, moment.now);
}

/** Only a ping that had its time without an answer proves that the link is dead. */
function beat(state: Open, lateMs: number, moment: Moment): Step {
  const { now } = moment;
  if (now >= (state.leaveAt ?? Infinity)) {
    const why = { code: GOING_AWAY, reason: 'going away' };
    const { state: asking, effects } = askToken({ why }, now);
    return to(asking, 'close', ...effects);
  }
  if (!state.pingedAt) return ping(state, false, now);
  const isSlept = lateMs > LATE_MS && !state.isAskedAgain;
  return isSlept ? ping(state, true, now) : cut(state, 'dead link', moment);
}

function ping(state: Open, isAskedAgain: boolean, now: number): Step {
  return to({ ...state, pingedAt: now, sentAt: now, isAskedAgain }, 'ping');
}

/** A page that wakes does not trust its link, and does not wait for its next attempt. */
function woken(state: LinkState, { now, random }: Moment): Step {
  if (state.at === 'waiting') {
    return to({ ...state, attempts: 0, until: Math.min(state.until, now + backoffMs(0, random)) });
  }
  const isDoubtful = state.at === 'open' && !state.pingedAt && now - state.receivedAt >= TRUSTED_MS;
  return isDoubtful ? ping(state, false, now) : to(state);
}

function cut(state: LinkState, reason: string, moment: Moment): Step {
  return to(closed(state, { is: 'closed', code: NOT_CODED, reason }, moment).state, 'close');
}
