import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Metrics } from '../../../shared/process/metrics.ts';

/** These have had times that were more than a minute ahead of the clock of Postgres. */
type What = 'message' | 'list' | 'outbox' | 'inbox' | 'agent' | 'waiting';

/** Lines that say the same come at least this far apart. */
const LOG_GAP_MS = 3_600_000;

/**
 * A clock of Postgres that jumped once leaves times that are ahead of it. Whoever finds such a time
 * corrects it and notes it here. Each is counted, and each kind is logged once an hour at most.
 */
export class TimesAhead {
  readonly #healed: ReturnType<Metrics['counter']>;
  readonly #logger: Logger;
  readonly #loggedAt = new Map<What, number>();

  constructor({ metrics, logger }: { metrics: Metrics; logger: Logger }) {
    const help = 'Times that were a minute or more ahead of the clock of Postgres';
    this.#healed = metrics.counter('kaha_store_times_ahead_total', help, ['what']);
    this.#logger = logger;
  }

  note(what: What, count = 1): void {
    if (count === 0) return;
    this.#healed.inc({ what }, count);
    const now = steadyMs();
    if (now - (this.#loggedAt.get(what) ?? Number.NEGATIVE_INFINITY) < LOG_GAP_MS) return;
    this.#loggedAt.set(what, now);
    this.#logger.warn({ what, count }, 'times were ahead of the clock of Postgres: it has jumped');
  }
}
