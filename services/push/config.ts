import { PUSH_SHARES_MAX } from '../../shared/contracts/subjects.ts';
import {
  type CommonConfig,
  type Env,
  EnvReader,
  readCommonConfig,
} from '../../shared/process/env.ts';
import { type ProvidersConfig, readProvidersConfig } from './providers-config.ts';

export type PushConfig = CommonConfig & {
  /** Users are divided into so many shares, of which this instance has one. */
  shares: { count: number; own: number };
  /** Providers know conversations by hashes under this key. */
  threadKey: Buffer;
  providers: ProvidersConfig;
};

export function loadConfig(env: Env): PushConfig {
  const reader = new EnvReader(env);
  const common = readCommonConfig(reader);
  const count = reader.integer('PUSH_SHARES', { min: 1, max: PUSH_SHARES_MAX, byDefault: 1 });
  const config: PushConfig = {
    ...common,
    shares: { count, own: numberOf(common.instance) % count },
    threadKey: Buffer.from(reader.secret('PUSH_HASH_KEY')),
    providers: readProvidersConfig(reader),
  };
  reader.done();
  return config;
}

/** The instance `push-3` has the share 3, or the rest of dividing 3 by the number of shares. */
function numberOf(instance: string): number {
  return Number(/-(\d+)$/.exec(instance)?.[1] ?? 0);
}
