import { subjects } from '../../../shared/contracts/subjects.ts';
import { newId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { parseJson } from '../../../shared/nats/parse-json.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { LocalProfiles } from '../cache/local-profiles.ts';

/**
 * `outdate` says that the profiles changed at kaha-main-v3, and `supersede` that the new ones are
 * in Redis.
 */
type Signal = { from: string; change: 'outdate' | 'supersede'; keys: string[] };

export type InstanceSignals = {
  /** A signal names at most 100 keys. */
  tell(change: Signal['change'], keys: string[]): void;
};

/**
 * The instances tell each other of changed profiles at once, with best effort. After NATS was away
 * an instance checks all its profiles again. A single lost signal is made up for within a minute.
 */
export function createInstanceSignals(deps: {
  bus: Bus;
  local: LocalProfiles;
  logger: Logger;
}): InstanceSignals {
  const { bus, local, logger } = deps;
  const own = newId<string>();
  bus.subscribe(subjects.profilesChanged, (msg) => {
    try {
      const { from, change, keys } = parseJson(msg.data) as Signal;
      if (from !== own) for (const key of keys) local[change](key);
    } catch (error) {
      logger.error({ err: error }, 'signal not understood');
    }
  });
  bus.onReconnect(() => local.doubtAll());
  return {
    tell(change, keys) {
      if (keys.length === 0) return;
      const signal: Signal = { from: own, change, keys };
      bus.publish(subjects.profilesChanged, JSON.stringify(signal));
    },
  };
}
