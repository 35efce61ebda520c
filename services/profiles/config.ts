import {
  type CommonConfig,
  type Env,
  EnvReader,
  readCommonConfig,
} from '../../shared/process/env.ts';

export type ProfilesConfig = CommonConfig & {
  redisUrl: string;
  /** kaha-main-v3: origin, and the token that it and we know each other by. */
  kaha: { url: string; serviceToken: string };
  /** Where kaha-main-v3 posts its events. */
  webhook: { host: string; port: number };
};

export function loadConfig(env: Env): ProfilesConfig {
  const reader = new EnvReader(env);
  const config: ProfilesConfig = {
    ...readCommonConfig(reader),
    redisUrl: reader.url('REDIS_URL', ['redis:', 'rediss:']),
    kaha: {
      url: reader.url('KAHA_URL', ['http:', 'https:']),
      serviceToken: reader.string('KAHA_SERVICE_TOKEN'),
    },
    webhook: {
      host: reader.string('WEBHOOK_HOST', '127.0.0.1'),
      port: reader.integer('WEBHOOK_PORT', { min: 0, max: 65535 }),
    },
  };
  reader.done();
  return config;
}
