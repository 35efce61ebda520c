import {
  type CommonConfig,
  type Env,
  EnvReader,
  readCommonConfig,
} from '../../shared/process/env.ts';
import { type ContentKey, parseContentKeys } from './content/content-keys.ts';

export type DatabaseConfig = { url: string; poolMax: number };
export type Config = CommonConfig & {
  database: DatabaseConfig;
  /** The first encrypts, all decrypt. */
  contentKeys: ContentKey[];
  /** Where first pages of lists are kept; undefined: nowhere. */
  redisUrl?: string | undefined;
  /** How long after sending it a message may be edited; 0: not at all. */
  editWindowMs: number;
};

/** At most a year. */
const EDIT_WINDOW_MIN = { min: 0, max: 525_600, byDefault: 15 };
const MS_PER_MIN = 60_000;

/** Pure; throws one ConfigError with every problem. */
export function loadConfig(env: Env): Config {
  const reader = new EnvReader(env);
  const common = readCommonConfig(reader);
  const config = {
    ...common,
    ...readDatabase(reader),
    contentKeys: readContentKeys(reader),
    redisUrl: readRedisUrl(reader),
    editWindowMs: reader.integer('EDIT_WINDOW_MIN', EDIT_WINDOW_MIN) * MS_PER_MIN,
  };
  reader.done();
  return config;
}

/** What the migration command needs. */
export function loadMigrateConfig(env: Env): { database: DatabaseConfig } {
  const reader = new EnvReader(env);
  const config = readDatabase(reader);
  reader.done();
  return config;
}

export function readDatabase(reader: EnvReader): { database: DatabaseConfig } {
  return {
    database: {
      url: reader.url('DATABASE_URL', ['postgres:', 'postgresql:']),
      poolMax: reader.integer('DATABASE_POOL_MAX', { min: 1, max: 200, byDefault: 8 }),
    },
  };
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
