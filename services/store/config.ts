import {
  type CommonConfig,
  type Env,
  EnvReader,
  readCommonConfig,
  readNats,
} from '../../shared/process/env.ts';
import { type ContentKey, parseContentKeys } from './content/content-keys.ts';
import type { Pooling } from './database/pool.ts';
import { POOL_MAX_MIN } from './database/pool-sizes.ts';

type DatabaseConfig = { url: string; poolMax: number; pooling: Pooling };
export type Config = CommonConfig & {
  database: DatabaseConfig;
  /** Messages that are older are not shown; 0 shows all of them. */
  retentionDays: number;
  /** Messages that are not shown, and texts that people replaced, go after so many days more. */
  graceDays: number;
  /** The first key encrypts; every key decrypts. */
  contentKeys: ContentKey[];
  /**
   * Edges write presence into this Redis, and store caches first pages of chat lists there. Without
   * it nothing is cached, and agents count as online.
   */
  redisUrl?: string | undefined;
  /** A message may be edited for this long after its sending; 0 means never. */
  editWindowMs: number;
};

/** The retention time is at most ten years. */
const RETENTION_DAYS = { min: 0, max: 3_650, byDefault: 90 };
const GRACE_DAYS = { min: 0, max: 365, byDefault: 7 };
/** The edit window is at most a year. */
const EDIT_WINDOW_MIN = { min: 0, max: 525_600, byDefault: 15 };
const MS_PER_MIN = 60_000;
/** A process opens at most this many connections to Postgres in all. */
const POOL_MAX = { min: POOL_MAX_MIN, max: 200, byDefault: 20 };

/** The function reads nothing but `env`, and throws one ConfigError with every problem. */
export function loadConfig(env: Env): Config {
  const reader = new EnvReader(env);
  const common = readCommonConfig(reader);
  const config = {
    ...common,
    ...readDatabase(reader),
    ...readRetention(reader),
    contentKeys: readContentKeys(reader),
    redisUrl: readRedisUrl(reader),
    editWindowMs: reader.integer('EDIT_WINDOW_MIN', EDIT_WINDOW_MIN) * MS_PER_MIN,
  };
  reader.done();
  return config;
}

/** The migration command needs only the database. */
export function loadMigrateConfig(env: Env): { database: DatabaseConfig } {
  const reader = new EnvReader(env);
  const config = readDatabase(reader);
  reader.done();
  return config;
}

/** The commands for keys need the database, and the keys that stores have. */
export function loadKeysConfig(env: Env): Pick<Config, 'database' | 'contentKeys'> {
  const reader = new EnvReader(env);
  const config = { ...readDatabase(reader), contentKeys: readContentKeys(reader) };
  reader.done();
  return config;
}

export type ReapplyConfig = Omit<Config, 'instance' | 'admin' | 'log' | 'editWindowMs'>;

/** The command that repeats erasures needs what a store has, but for its ports and its log. */
export function loadReapplyConfig(env: Env): ReapplyConfig {
  const reader = new EnvReader(env);
  const config = {
    nats: readNats(reader),
    ...readDatabase(reader),
    ...readRetention(reader),
    contentKeys: readContentKeys(reader),
    redisUrl: readRedisUrl(reader),
  };
  reader.done();
  return config;
}

export function readDatabase(reader: EnvReader): { database: DatabaseConfig } {
  return {
    database: {
      url: reader.url('DATABASE_URL', ['postgres:', 'postgresql:']),
      poolMax: reader.integer('DATABASE_POOL_MAX', POOL_MAX),
      pooling: reader.oneOf<Pooling>('DATABASE_POOLING', ['session', 'transaction'], 'session'),
    },
  };
}

function readRetention(reader: EnvReader): Pick<Config, 'retentionDays' | 'graceDays'> {
  return {
    retentionDays: reader.integer('RETENTION_DAYS', RETENTION_DAYS),
    graceDays: reader.integer('RETENTION_GRACE_DAYS', GRACE_DAYS),
  };
}

/** The command that tells what would go needs what stores have. */
export function loadRetentionConfig(
  env: Env,
): Pick<Config, 'database' | 'retentionDays' | 'graceDays'> {
  const reader = new EnvReader(env);
  const config = { ...readDatabase(reader), ...readRetention(reader) };
  reader.done();
  return config;
}

export function readContentKeys(reader: EnvReader): ContentKey[] {
  const text = reader.string('CONTENT_KEYS');
  if (text === '') return [];
  const { keys, problems } = parseContentKeys(text);
  for (const problem of problems) reader.problem(`CONTENT_KEYS: ${problem}`);
  return keys;
}

function readRedisUrl(reader: EnvReader): string | undefined {
  if (reader.optional('REDIS_URL') === undefined) return undefined;
  return reader.url('REDIS_URL', ['redis:', 'rediss:']);
}
