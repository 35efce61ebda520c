import type { Bound } from '../../../shared/concurrency/budget.ts';
import { heapShare } from '../../../shared/process/heap-share.ts';

/**
 * When so much is pending, a further send is refused with DATABASE_UNAVAILABLE: 20 full batches of
 * the group commit take longer than a deadline. A pending send takes the bytes of its ciphertext,
 * and about as many for the request that brought it.
 */
export const PENDING_MAX: Bound = { count: 10_000, bytes: heapShare(1 / 8, 64 * 1024 ** 2) };
