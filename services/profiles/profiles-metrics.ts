import type { Metrics } from '../../shared/process/metrics.ts';

export type ProfilesMetrics = ReturnType<typeof createProfilesMetrics>;

export function createProfilesMetrics(metrics: Metrics) {
  return {
    requests: metrics.counter('kaha_profiles_requests_total', 'Requests for profiles'),
    /**
     * `result` is local, cached, stale (the answer was old and is refreshed afterwards), fetched,
     * unknown (kaha-main-v3 has no such profile), missing (no source could answer) or refused (too
     * many ids were in flight).
     */
    lookups: metrics.counter('kaha_profiles_lookups_total', 'Ids looked up', ['result']),
    cacheFailures: metrics.counter('kaha_profiles_cache_failures_total', 'Failed Redis calls'),
    /** `CallOutcome` explains the values of `outcome`. */
    calls: metrics.counter('kaha_profiles_calls_total', 'Tries to ask kaha-main-v3', ['outcome']),
    callSeconds: metrics.histogram('kaha_profiles_call_seconds', 'Time of a try'),
    retries: metrics.counter('kaha_profiles_retries_total', 'Tries that were not the first'),
    rejections: metrics.counter('kaha_profiles_bulkhead_rejections_total', 'Calls without a place'),
    /** `state` is closed, half-open or open. */
    circuitChanges: metrics.counter('kaha_profiles_circuit_changes_total', 'New states', ['state']),
    faults: metrics.counter('kaha_profiles_answer_faults_total', 'Wrong in answers', ['fault']),
    /** `source` is stream or webhook. `outcome` is taken, malformed, refused or put back. */
    events: metrics.counter('kaha_profiles_events_total', 'Profile events', ['source', 'outcome']),
    /**
     * `outcome` is told, dropped (there was no room) or unknown (store could not say who sees the
     * profile).
     */
    notices: metrics.counter('kaha_profiles_notices_total', 'Changed profiles', ['outcome']),
    told: metrics.counter('kaha_profiles_users_told_total', 'Users told of a changed profile'),
    trimmed: metrics.counter('kaha_profiles_trimmed_total', 'Left out of an oversized reply'),
  };
}
