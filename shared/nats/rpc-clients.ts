import type { ProfileOps } from '../contracts/profile-ops.ts';
import type { RouterOps, RouterRequestOf } from '../contracts/router-ops.ts';
import type { StoreOps } from '../contracts/store-ops.ts';
import { subjects } from '../contracts/subjects.ts';
import { KahaError } from '../errors.ts';
import { steadyMs } from '../process/clock.ts';
import type { Bus, RequestOptions } from './bus.ts';

/** `deadlineAt` (by `steadyMs`) shortens the time that the client waits, and never lengthens it. */
type AskOptions = { deadlineAt?: number | undefined; trace?: string | undefined };

type Asking = Pick<Bus, 'request'>;
type Table<Ops> = Record<keyof Ops, [unknown, unknown]>;
/** Asks for one operation of the table; rejects as `Bus.request` does. */
type Ask<Ops extends Table<Ops>> = <Op extends keyof Ops>(
  op: Op,
  request: Ops[Op][0],
  options?: AskOptions,
) => Promise<Ops[Op][1]>;

export type AskStore = Ask<StoreOps>;
type AskProfiles = Ask<ProfileOps>;
/** Asks one router. */
export type AskRouter = <Op extends keyof RouterOps>(
  instance: string,
  request: RouterRequestOf<Op>,
  options?: AskOptions,
) => Promise<RouterOps[Op][1]>;

/** Asks whichever store is free, and waits for its answer for `waitMs` at most. */
export function createAskStore(bus: Asking, waitMs: number): AskStore {
  return async (op, request, options) =>
    bus.request(subjects.store(op), request, timed(waitMs, options));
}

/** Asks whichever instance of profiles is free, and waits for its answer for `waitMs` at most. */
export function createAskProfiles(bus: Asking, waitMs: number): AskProfiles {
  return async (op, request, options) =>
    bus.request(subjects.profiles(op), request, timed(waitMs, options));
}

/** Asks the router that the caller names, and waits for its answer for `waitMs` at most. */
export function createAskRouter(bus: Asking, waitMs: number): AskRouter {
  return async (instance, request, options) =>
    bus.request(subjects.router(instance), request, timed(waitMs, options));
}

/** Throws TIMEOUT if the deadline has passed. */
function timed(waitMs: number, { deadlineAt, trace }: AskOptions = {}): RequestOptions {
  const timeoutMs = deadlineAt === undefined ? waitMs : Math.min(waitMs, deadlineAt - steadyMs());
  if (timeoutMs <= 0) throw new KahaError('TIMEOUT', 'Too late');
  return { timeoutMs, trace };
}
