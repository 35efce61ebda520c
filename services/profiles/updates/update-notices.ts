import { setTimeout as delay } from 'node:timers/promises';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { ProfileSource } from '../look-up/profile-source.ts';
import type { ProfileRef } from '../profile.ts';
import type { ProfilesMetrics } from '../profiles-metrics.ts';
import type { InstanceSignals } from './instance-signals.ts';
import type { Viewers } from './viewers.ts';

export type UpdateNotices = {
  /**
   * `isHeld` says that a process or Redis has the profile cached. Then it is fetched anew before
   * clients are told.
   */
  add(ref: ProfileRef, isHeld: boolean): void;
  readonly waiting: number;
  close(): Promise<void>;
};

type Deps = {
  source: Pick<ProfileSource, 'refresh'>;
  signals: InstanceSignals;
  viewers: Viewers;
  metrics: ProfilesMetrics;
  logger: Logger;
};
type Notice = { ref: ProfileRef; isHeld: boolean; giveUpAt: number };

const WAITING_MAX = 10_000;
const BATCH_MAX = 100;
const TELLING_MAX = 4;
const RETRY_MS = 2_000;
/** A notice is kept as long as a stale marker. */
const GIVE_UP_MS = 5 * 60_000;

/**
 * Tells clients of changed profiles once the new profile can be had, because a client that reloads
 * on the notice must not see the old name. While kaha-main-v3 or store is away, it tries again
 * every 2 s for 5 min; then the refresh is left to the next lookup. Notices are best effort, as all
 * live events are: at most 10 000 wait. A change beyond that, and one that waits when the process
 * ends, is seen with the next load.
 */
export function createUpdateNotices(deps: Deps): UpdateNotices {
  const { source, signals, metrics, logger } = deps;
  const waiting = new Map<string, Notice>();
  const closing = new AbortController();
  let running: Promise<void> | undefined;

  const refresh = async (notices: readonly Notice[]): Promise<void> => {
    const held = notices.filter(({ isHeld }) => isHeld);
    if (held.length === 0) return;
    await source.refresh(held.map(({ ref }) => ref));
    for (const notice of held) notice.isHeld = false;
    signals.tell(
      'supersede',
      held.map(({ ref }) => ref.key),
    );
  };
  const putBack = (notices: readonly Notice[]): void => {
    for (const notice of notices) {
      const isOver = steadyMs() >= notice.giveUpAt;
      if (isOver && !notice.isHeld) metrics.notices.inc({ outcome: 'unknown' });
      else if (!waiting.has(notice.ref.key)) {
        // kaha-main-v3 did not come back in time. Clients are told of the change, but the name
        // stays the old one.
        waiting.set(notice.ref.key, isOver ? { ...notice, isHeld: false } : notice);
      }
    }
  };
  const tellSome = async (): Promise<void> => {
    const notices = [...waiting.values()].slice(0, BATCH_MAX);
    for (const { ref } of notices) waiting.delete(ref.key);
    try {
      await refresh(notices);
      await tellAll(notices, deps);
    } catch (error) {
      logger.debug({ err: error }, 'changed profiles wait');
      putBack(notices);
      await delay(RETRY_MS, undefined, { signal: closing.signal }).catch((ended) => ended);
    }
  };
  const run = async (): Promise<void> => {
    try {
      while (waiting.size > 0 && !closing.signal.aborted) await tellSome();
    } finally {
      running = undefined;
    }
  };
  return {
    add(ref, isHeld) {
      if (waiting.size >= WAITING_MAX && !waiting.has(ref.key)) {
        return metrics.notices.inc({ outcome: 'dropped' });
      }
      waiting.set(ref.key, { ref, isHeld, giveUpAt: steadyMs() + GIVE_UP_MS });
      running ??= run();
    },
    get waiting() {
      return waiting.size;
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}

/** Removes from `notices` each one that is done. Rejects if a notice could not be told. */
async function tellAll(notices: Notice[], { viewers, metrics }: Deps): Promise<void> {
  const tell = async (): Promise<void> => {
    for (let notice = notices.pop(); notice !== undefined; notice = notices.pop()) {
      try {
        await viewers.tell(notice.ref);
        metrics.notices.inc({ outcome: 'told' });
      } catch (error) {
        notices.push(notice);
        throw error;
      }
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: TELLING_MAX }, tell));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
