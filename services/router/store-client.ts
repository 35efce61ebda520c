import type { StoreOps } from '../../shared/contracts/rpc.ts';
import { subjects } from '../../shared/contracts/subjects.ts';
import { KahaError } from '../../shared/errors.ts';
import type { Bus } from '../../shared/nats/bus.ts';

/** Store gives up after 2 s itself; the rest lets its typed answer arrive before we give up. */
const STORE_TIMEOUT_MS = 2_500;

type Options = { deadlineAt?: number; trace?: string | undefined };

/** Asks store; waits until the deadline, at most 2.5 s. */
export type Store = <Op extends keyof StoreOps>(
  op: Op,
  request: StoreOps[Op][0],
  options?: Options,
) => Promise<StoreOps[Op][1]>;

export function createStoreClient(bus: Bus): Store {
  return (op, request, { deadlineAt = Number.POSITIVE_INFINITY, trace } = {}) => {
    const timeoutMs = Math.min(STORE_TIMEOUT_MS, deadlineAt - Date.now());
    if (timeoutMs <= 0) return Promise.reject(new KahaError('TIMEOUT', 'Too late'));
    return bus.request(subjects.store(op), request, { timeoutMs, trace });
  };
}
