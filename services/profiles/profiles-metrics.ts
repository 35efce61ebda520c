import type { Metrics } from '../../shared/process/metrics.ts';

export type ProfilesMetrics = ReturnType<typeof createProfilesMetrics>;

export function createProfilesMetrics(metrics: Metrics) {
  return {
    requests: metrics.counter('kaha_profiles_requests_total', 'Requests for profiles'),
    /**
     * `result`: local, cached, stale (answered, refreshed behind), fetched, unknown (kaha-main-v3
     * has none), missing (nobody could say), refused (too many in flight).
     */
    lookups: metrics.counter('kaha_profiles_lookups_total', 'Ids looked up', ['result']),
    cacheFailures: metrics.counter('kaha_profiles_cache_failures_total', 'Failed Redis calls'),
    /** `outcome` of a try: ok, refused, malformed, timeout, failed. */
    calls: metrics.counter('kaha_profiles_calls_total', 'Tries to ask kaha-main-v3', ['outcome']),
    callSeconds: metrics.histogram('kaha_profiles_call_seconds', 'Time of a try'),
    retries: metrics.counter('kaha_profiles_retries_total', 'Tries that were not the first'),
    rejections: metrics.counter('kaha_profiles_bulkhead_rejections_total', 'Calls without a place'),
    /** `state`: closed, half-open, open. */
    circuitChanges: metrics.counter('kaha_profiles_circuit_changes_total', 'New states', ['state']),
    faults: metrics.counter('kaha_profiles_answer_faults_total', 'Wrong in answers', ['fault']),
    /** `source`: stream, webhook; `outcome`: taken, malformed, refused, put back. */
    events: metrics.counter('kaha_profiles_events_total', 'Profile events', ['source', 'outcome']),
    /** `outcome`: told, dropped (no room), unknown (store could not say whom). */
    notices: metrics.counter('kaha_profiles_notices_total', 'Changed profiles', ['outcome']),
    told: metrics.counter('kaha_profiles_users_told_total', 'Users told of a changed profile'),
    trimmed: metrics.counter('kaha_profiles_trimmed_total', 'Left out of an oversized reply'),
  };
}
