import {
  type CommonConfig,
  type Env,
  EnvReader,
  readCommonConfig,
} from '../../shared/process/env.ts';

export type RetentionConfig = CommonConfig & {
  partitions: {
    /** This many weeks after the current one must have a partition. */
    weeksAhead: number;
    intervalMs: number;
  };
};

const DAY_S = 86_400;

export function loadConfig(env: Env): RetentionConfig {
  const reader = new EnvReader(env);
  const intervalS = { min: 1, max: DAY_S, byDefault: 3_600 };
  const config: RetentionConfig = {
    ...readCommonConfig(reader),
    partitions: {
      weeksAhead: reader.integer('PARTITION_WEEKS_AHEAD', { min: 2, max: 104, byDefault: 6 }),
      intervalMs: 1_000 * reader.integer('PARTITION_INTERVAL_S', intervalS),
    },
  };
  reader.done();
  return config;
}
