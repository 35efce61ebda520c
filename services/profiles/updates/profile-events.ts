import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import { isUuidV4 } from '../../../shared/ids.ts';
import type { JsMsg } from '../../../shared/nats/bus.ts';
import { parseJson } from '../../../shared/nats/parse-json.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { LocalProfiles } from '../cache/local-profiles.ts';
import type { ProfileCache } from '../cache/profile-cache.ts';
import { type ProfileKind, type ProfileRef, refOf } from '../profile.ts';
import type { ProfilesMetrics } from '../profiles-metrics.ts';
import type { InstanceSignals } from './instance-signals.ts';
import type { UpdateNotices } from './update-notices.ts';

export const EVENT_SUBJECTS: Record<string, ProfileKind> = {
  [subjects.userProfileUpdated]: 'user',
  [subjects.businessProfileUpdated]: 'business',
};

type Deps = {
  cache: Pick<ProfileCache, 'markStale'>;
  local: Pick<LocalProfiles, 'outdate' | 'get'>;
  signals: InstanceSignals;
  notices: Pick<UpdateNotices, 'add'>;
  metrics: ProfilesMetrics;
  logger: Logger;
};

/**
 * Carries out events of KAHA_EVENTS. The handler first sets markers in Redis and then signals the
 * other instances, so that an instance that looks after the signal does not find the old profile
 * fresh in Redis. While Redis does not take the markers, the handler puts the events back. The
 * profiles that this process and the others hold are outdated all the same.
 */
export function createEventHandler(deps: Deps): (messages: readonly JsMsg[]) => Promise<void> {
  const { cache, local, signals, notices, metrics, logger } = deps;
  return async (messages) => {
    const refs = new Map<string, ProfileRef>();
    for (const message of messages) {
      const ref = readEvent(message);
      if (ref !== undefined) refs.set(ref.key, ref);
      else logger.warn({ subject: message.subject }, 'event not understood');
      metrics.events.inc({ source: 'stream', outcome: ref === undefined ? 'malformed' : 'taken' });
    }
    if (refs.size === 0) return;
    const all = [...refs.values()];
    const marked = await cache.markStale(all);
    const held = new Set(marked ?? refs.keys());
    for (const { key } of all) {
      if (local.get(key) !== undefined) held.add(key);
      local.outdate(key);
    }
    signals.tell('outdate', [...refs.keys()]);
    if (marked !== undefined || messages.some(({ redelivered }) => !redelivered)) {
      for (const ref of all) notices.add(ref, held.has(ref.key));
    }
    if (marked !== undefined) return;
    metrics.events.inc({ source: 'stream', outcome: 'put back' }, refs.size);
    throw new KahaError('MESSAGING_UNAVAILABLE', 'Redis does not take the marks');
  };
}

function readEvent({ subject, data }: JsMsg): ProfileRef | undefined {
  const kind = EVENT_SUBJECTS[subject];
  if (kind === undefined) return undefined;
  try {
    const { id } = parseJson(data) as { id?: unknown };
    const lower = String(id).toLowerCase();
    return isUuidV4(lower) ? refOf(kind, lower) : undefined;
  } catch {
    // The event is not JSON, or is null. The caller counts it.
    return undefined;
  }
}
