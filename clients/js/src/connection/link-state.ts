import { CLOSE, isRefusal } from '../protocol/close-codes.ts';
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
  /** `getToken` is under way, and must end by `until`. */
  | { at: 'token'; until: number; attempts: number; isRefused: boolean; why: Reason }
  /** The socket is opening, or `auth_ok` has not come yet. */
  | { at: 'opening'; until: number; attempts: number; isRefused: boolean; why: Reason }
  | Open
  /** The next attempt begins at `until`. `isRefused` says that the last token was refused. */
  | { at: 'waiting'; until: number; attempts: number; isRefused: boolean; why: Reason }
  /** The client does not come back by itself. */
  | { at: 'suspended'; why: Reason };

type Open = {
  at: 'open';
  openedAt: number;
  attempts: number;
  /** A ping is due once nothing was sent, or nothing was received, for this long. */
  quietMs: number;
  receivedAt: number;
  sentAt: number;
  /** Nothing has come since this ping. */
  pingedAt?: number;
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
  | { is: 'closed'; code: number; reason: string; retryAfterMs?: number | undefined }
  | { is: 'going away'; afterMs: number }
  /** The time has come that `wakeAt` told; `lateMs` says how long ago. */
  | { is: 'tick'; lateMs: number }
  /** The page became visible, or the machine is back on a network. */
  | { is: 'woken' };

/** The link asks for these. `get fresh token` forbids a token that was used before. */
export type LinkEffect = 'get token' | 'get fresh token' | 'open' | 'close' | 'ping';

type Step = { state: LinkState; effects: readonly LinkEffect[] };
/** `random` is a number from 0 to 1 that no other step had. */
type Moment = { now: number; random: number };

const TOKEN_MS = 30_000;
const OPENING_MS = 10_000;
/** The server closes after 30 s without a frame, and wants one each 15 s. */
const HEARTBEAT_MS = 15_000;
/** Part of the heartbeat's interval after which a ping is due. 12 s + 8 s notice a dead link. */
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
  switch (input.is) {
    case 'connect':
      return state.at === 'idle' || state.at === 'suspended'
        ? askToken({ attempts: 0, isRefused: state.at === 'suspended', why: {} }, moment)
        : stay(state);
    case 'disconnect':
      return { state: IDLE, effects: hasSocket(state) ? ['close'] : [] };
    case 'token':
      if (state.at !== 'token') return stay(state);
      return {
        state: { ...state, at: 'opening', until: moment.now + OPENING_MS },
        effects: ['open'],
      };
    case 'no token':
      if (state.at !== 'token') return stay(state);
      return wait({ ...state, why: { reason: 'no token' } }, moment);
    case 'auth_ok':
      return state.at === 'opening'
        ? opened(state.attempts, input.heartbeatMs, moment)
        : stay(state);
    case 'received':
      return state.at === 'open' ? stay(withoutPing(state, moment.now)) : stay(state);
    case 'sent':
      return state.at === 'open' ? stay({ ...state, sentAt: moment.now }) : stay(state);
    case 'closed':
      return hasSocket(state) ? closed(state, input, moment) : stay(state);
    case 'going away':
      return state.at === 'open'
        ? stay({ ...state, leaveAt: moment.now + input.afterMs })
        : stay(state);
    case 'tick':
      return tick(state, input.lateMs, moment);
    case 'woken':
      return woken(state, moment);
  }
}

/** Returns when the link wants a `tick`, or undefined if time changes nothing. */
export function wakeAt(state: LinkState): number | undefined {
  if (state.at === 'idle' || state.at === 'suspended') return undefined;
  if (state.at !== 'open') return state.until;
  const due =
    state.pingedAt === undefined
      ? Math.min(state.receivedAt, state.sentAt) + state.quietMs
      : state.pingedAt + VERDICT_MS;
  return Math.min(due, state.leaveAt ?? due);
}

type Trying = { attempts: number; isRefused: boolean; why: Reason };

function stay(state: LinkState): Step {
  return { state, effects: [] };
}

function hasSocket(state: LinkState): state is LinkState & { at: 'opening' | 'open' } {
  return state.at === 'opening' || state.at === 'open';
}

function askToken({ attempts, isRefused, why }: Trying, { now }: Moment): Step {
  return {
    state: { at: 'token', until: now + TOKEN_MS, attempts, isRefused, why },
    effects: [isRefused ? 'get fresh token' : 'get token'],
  };
}

function wait(
  { attempts, isRefused, why }: Trying,
  { now, random }: Moment,
  retryAfterMs = 0,
): Step {
  const delayMs = retryAfterMs + backoffMs(attempts, random);
  const state = { until: now + delayMs, attempts: attempts + 1, isRefused, why };
  return { state: { at: 'waiting', ...state }, effects: [] };
}

function opened(attempts: number, heartbeatMs: number, { now }: Moment): Step {
  const quietMs = QUIET_PART * Math.min(heartbeatMs, HEARTBEAT_MS);
  const times = { openedAt: now, receivedAt: now, sentAt: now };
  return stay({ at: 'open', ...times, attempts, quietMs, why: {} });
}

type Closed = LinkInput & { is: 'closed' };

/**
 * A token that was refused, or ended, is replaced by a fresh one. A fresh one that is refused too
 * suspends the client, as all codes of that range do.
 */
function closed(
  state: LinkState & { at: 'opening' | 'open' },
  input: Closed,
  moment: Moment,
): Step {
  const { code, reason, retryAfterMs } = input;
  const why = { code, reason };
  const wasRefused = state.at === 'opening' && state.isRefused;
  const isTokenBad = code === CLOSE.badToken && !wasRefused;
  if (isRefusal(code) && !isTokenBad) return stay({ at: 'suspended', why });
  const isRefused = isTokenBad || code === CLOSE.tokenExpired;
  const wasGood = state.at === 'open' && moment.now - state.openedAt >= GOOD_MS;
  const attempts = wasGood ? 0 : state.attempts;
  return wait({ attempts, isRefused, why }, moment, retryAfterMs);
}

function tick(state: LinkState, lateMs: number, moment: Moment): Step {
  const due = wakeAt(state);
  if (due === undefined || moment.now < due) return stay(state);
  switch (state.at) {
    case 'token':
      return wait({ ...state, why: { reason: 'no token' } }, moment);
    case 'opening':
      return cut(state, 'no answer', moment);
    case 'waiting':
      return askToken(state, moment);
    case 'open':
      return beat(state, lateMs, moment);
    default:
      return stay(state);
  }
}

/** Only a ping that had its time without an answer proves that the link is dead. */
function beat(state: Open, lateMs: number, moment: Moment): Step {
  const { now } = moment;
  if (state.leaveAt !== undefined && now >= state.leaveAt) {
    const why = { code: CLOSE.goingAway, reason: 'going away' };
    const { state: asking, effects } = askToken({ attempts: 0, isRefused: false, why }, moment);
    return { state: asking, effects: ['close', ...effects] };
  }
  const isDue = state.pingedAt === undefined || now - state.pingedAt >= VERDICT_MS;
  if (!isDue) return stay(state);
  if (state.pingedAt === undefined) return ping(state, false, now);
  const isSlept = lateMs > LATE_MS && state.isAskedAgain !== true;
  return isSlept ? ping(state, true, now) : cut(state, 'dead link', moment);
}

function ping(state: Open, isAskedAgain: boolean, now: number): Step {
  return { state: { ...state, pingedAt: now, sentAt: now, isAskedAgain }, effects: ['ping'] };
}

/** A page that wakes does not trust its link, and does not wait for its next attempt. */
function woken(state: LinkState, moment: Moment): Step {
  const { now, random } = moment;
  if (state.at === 'waiting') {
    return stay({
      ...state,
      attempts: 0,
      until: Math.min(state.until, now + backoffMs(0, random)),
    });
  }
  if (state.at !== 'open' || state.pingedAt !== undefined) return stay(state);
  return now - state.receivedAt < TRUSTED_MS ? stay(state) : ping(state, false, now);
}

function cut(state: LinkState & { at: 'opening' | 'open' }, reason: string, moment: Moment): Step {
  const { state: after } = closed(state, { is: 'closed', code: NOT_CODED, reason }, moment);
  return { state: after, effects: ['close'] };
}

function withoutPing({ pingedAt: _answered, ...state }: Open, now: number): Open {
  return { ...state, receivedAt: now };
}
