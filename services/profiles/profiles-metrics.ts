import type { Metrics } from '../../shared/metrics.ts';

export type ProfilesMetrics = ReturnType<typeof createProfilesMetrics>;

export function createProfilesMetrics(metrics: Metrics) {
  return {
    /** `result`: cached, fetched, unknown (kaha-main-v3 has none), missing (nobody could say). */
    lookups: metrics.counter('kaha_profiles_lookups_total', 'Ids looked up', ['result']),
    cacheFailures: metrics.counter('kaha_profiles_cache_failures_total', 'Failed Redis calls'),
    calls: metrics.counter('kaha_profiles_calls_total', 'Calls to kaha-main-v3', ['outcome']),
    callSeconds: metrics.histogram('kaha_profiles_call_seconds', 'Time of a kaha-main-v3 call'),
    circuitOpen: metrics.gauge('kaha_profiles_circuit_open', '1 while kaha-main-v3 is not asked'),
  };
}
