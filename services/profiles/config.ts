import {
  type CommonConfig,
  type Env,
  EnvReader,
  readCommonConfig,
} from '../../shared/process/env.ts';

export type ProfilesConfig = CommonConfig & {
  redisUrl: string;
  /** `url` is the origin of kaha-main-v3. Both sides send `serviceToken` to prove who they are. */
  kaha: { url: string; serviceToken: string };
  /** kaha-main-v3 posts its events to this address. */
  webhook: { host: string; port: number };
};

export function loadConfig(env: Env): ProfilesConfig {
  const reader = new EnvReader(env);
  const config: ProfilesConfig = {
    ...readCommonConfig(reader),
    redisUrl: reader.url('REDIS_URL', ['redis:', 'rediss:']),
    kaha: {
      url: reader.url('KAHA_URL', ['http:', 'https:']),
      serviceToken: reader.secret('KAHA_SERVICE_TOKEN'),
    },
    webhook: {
      host: reader.string('WEBHOOK_HOST', '127.0.0.1'),
      port: reader.integer('WEBHOOK_PORT', { min: 0, max: 65535 }),
    },
  };
  reader.done();
  return config;
}
