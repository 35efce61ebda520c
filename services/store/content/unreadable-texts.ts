import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Metrics } from '../../../shared/process/metrics.ts';

/** Nobody has configured the key, or the bytes are not those that were encrypted for the place. */
type UnreadableReason = 'unknown_key' | 'damaged';

/** A text could not be read. */
export type NoteUnreadable = (reason: UnreadableReason, keyId: string) => void;

/** Lines that say the same come at least this far apart, because a page may have 200 such texts. */
const LOG_GAP_MS = 60_000;

/** Every text that cannot be read is counted, and each reason is logged once a minute at most. */
export function watchUnreadable(deps: { metrics: Metrics; logger: Logger }): NoteUnreadable {
  const texts = deps.metrics.counter(
    'kaha_content_unreadable_total',
    'Texts that could not be decrypted when they were to be shown',
    ['reason'],
  );
  const loggedAt = new Map<UnreadableReason, number>();
  return (reason, keyId) => {
    texts.inc({ reason });
    const now = steadyMs();
    if (now - (loggedAt.get(reason) ?? Number.NEGATIVE_INFINITY) < LOG_GAP_MS) return;
    loggedAt.set(reason, now);
    deps.logger.error({ reason, key_id: keyId }, 'a text cannot be read, and is shown as empty');
  };
}
