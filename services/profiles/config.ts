import { type CommonConfig, type Env, EnvReader, readCommonConfig } from '../../shared/env.ts';

export type ProfilesConfig = CommonConfig & {
  redisUrl: string;
  /** kaha-main-v3: origin, and the token it knows this service by. */
  kaha: { url: string; serviceToken: string };
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
  };
  reader.done();
  return config;
}
