import {
  type CommonConfig,
  type Env,
  EnvReader,
  readCommonConfig,
  readQueueShards,
} from '../../shared/process/env.ts';

export type RouterConfig = CommonConfig & {
  /** The streams were made with this number of shards. It is part of the data. */
  queueShards: number;
  /** A device queue is dropped after this many days without its device. */
  queueInactiveDays: number;
};

export function loadConfig(env: Env): RouterConfig {
  const reader = new EnvReader(env);
  const config: RouterConfig = {
    ...readCommonConfig(reader),
    queueShards: readQueueShards(reader),
    queueInactiveDays: reader.integer('QUEUE_INACTIVE_DAYS', { min: 1, max: 90, byDefault: 7 }),
  };
  reader.done();
  return config;
}
