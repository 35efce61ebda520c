import type { Metrics } from '../../../shared/process/metrics.ts';
import type { ContentKey } from './content-keys.ts';

/**
 * Counts the encryptions by the first key, which is the one that encrypts. Operators change it
 * before all stores together have used it 2^32 times.
 */
export function countKeyUses(metrics: Metrics, [current]: readonly ContentKey[]): () => void {
  const uses = metrics.counter(
    'kaha_content_key_uses_total',
    'Encryptions by a content key, which is safe for 2^32 of them',
    ['key_id'],
  );
  const count = uses.labels(current?.id ?? '');
  return () => count.inc();
}
