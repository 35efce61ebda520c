import type {
  ApnsEnvironment,
  DropReason,
  PushAnswer,
  PushOutcome,
  PushRegistration,
} from '../providers/provider.ts';

/** A retry waits for `firstWaitMs`, and each further one four times as long. */
export type RetryTerms = { retriesMax: number; withinMs: number; firstWaitMs: number };

/** The standing of a push is what its tries have come to so far. */
export type Standing = {
  /** The next try is for this registration. */
  registration: PushRegistration;
  startedAtMs: number;
  retries: number;
  /** The provider found the push too large, so it says no more than "New message". */
  isShort: boolean;
  /** The next try asks the other environment than the registration names. */
  isSwitched: boolean;
};

export type Verdict =
  | { kind: 'done'; outcome: PushOutcome }
  | { kind: 'again'; standing: Standing; waitMs: number };

type Moment = { nowMs: number; random: () => number; terms: RetryTerms };

const GROWTH = 4;
/** Pushes that are told to come back at one time are spread by this part of it. */
const SPREAD = 0.1;

export function beginStanding(registration: PushRegistration, nowMs: number): Standing {
  return { registration, startedAtMs: nowMs, retries: 0, isShort: false, isSwitched: false };
}

/**
 * Judges what becomes of a push after an answer. What may pass by itself is tried again, at most
 * five times within 15 minutes. A push that is too large, or went to the wrong environment, is
 * tried once more at once, changed. All other answers are final.
 */
export function judgeAnswer(standing: Standing, answer: PushAnswer, moment: Moment): Verdict {
  switch (answer.kind) {
    case 'taken':
      return { kind: 'done', outcome: sent(standing) };
    case 'gone':
      return dropped(isOlder(answer.sinceMs, standing) ? 'gone_before' : 'gone');
    case 'wrong_environment':
      return standing.isSwitched ? dropped('gone') : again(switched(standing), 0);
    case 'too_large':
      return standing.isShort ? dropped('too_large') : again({ ...standing, isShort: true }, 0);
    case 'slow_down':
    case 'unavailable':
      return retried(standing, answer, moment);
    case 'lost':
      return retried(standing, { kind: 'lost' }, moment);
    case 'our_fault':
    case 'refused':
      return dropped(answer.kind);
  }
}

/** Judges a push whose host is not asked for a while. This is no try, so it costs no retry. */
export function judgeRefusal(standing: Standing, circuitMs: number, moment: Moment): Verdict {
  const { nowMs, random, terms } = moment;
  const waitMs = circuitMs + random() * terms.firstWaitMs;
  const isLate = nowMs + waitMs > standing.startedAtMs + terms.withinMs;
  return isLate ? dropped('unavailable') : again(standing, waitMs);
}

export function dropped(reason: DropReason): Verdict & { kind: 'done' } {
  return { kind: 'done', outcome: { kind: 'dropped', reason } };
}

type Passing = { kind: 'slow_down' | 'unavailable' | 'lost'; retryAfterMs?: number };

function retried(standing: Standing, answer: Passing, { nowMs, random, terms }: Moment): Verdict {
  const { retries, startedAtMs } = standing;
  const longest = terms.firstWaitMs * GROWTH ** retries;
  const own = (longest * (1 + random())) / 2;
  const asked = (answer.retryAfterMs ?? 0) * (1 + SPREAD * random());
  const waitMs = Math.max(own, asked);
  const isLate = nowMs + waitMs > startedAtMs + terms.withinMs;
  if (retries === terms.retriesMax || isLate) return dropped(answer.kind);
  return again({ ...standing, retries: retries + 1 }, waitMs);
}

function again(standing: Standing, waitMs: number): Verdict {
  return { kind: 'again', standing, waitMs };
}

/** A provider tells when the registration ended. One that was registered later is not meant. */
function isOlder(sinceMs: number | undefined, { registration }: Standing): boolean {
  return sinceMs !== undefined && sinceMs < registration.registeredAtMs;
}

function switched(standing: Standing): Standing {
  const { registration } = standing;
  if (registration.provider !== 'apns') return { ...standing, isSwitched: true };
  const environment = otherThan(registration.environment);
  return { ...standing, isSwitched: true, registration: { ...registration, environment } };
}

function sent({ registration, isSwitched }: Standing): PushOutcome {
  if (!isSwitched || registration.provider !== 'apns') return { kind: 'sent' };
  return { kind: 'sent', environment: registration.environment };
}

function otherThan(environment: ApnsEnvironment): ApnsEnvironment {
  return environment === 'production' ? 'sandbox' : 'production';
}
