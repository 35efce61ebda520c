import { readFileSync } from 'node:fs';
import { secretProblem } from './secrets.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** A ConfigError names every problem of the configuration, one on each line. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`Invalid configuration:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

const PLACEHOLDER = /[<>…]/;

type Range = { min: number; max: number; byDefault?: number };

/**
 * Reads typed settings and collects every problem, so that an operator sees all of them at once. If
 * `NAME` is not set but `NAME_FILE` is, the value is the trimmed content of that file. The caller
 * calls `done` last, which throws one ConfigError if there was any problem.
 */
export class EnvReader {
  readonly #env: Env;
  readonly #problems: string[] = [];
  readonly #secrets = new Map<string, string>();

  constructor(env: Env) {
    this.#env = env;
  }

  /** Returns the value, or undefined if it is not set. An empty value counts as not set. */
  optional(name: string): string | undefined {
    const value = this.#env[name];
    if (value !== undefined && value !== '') return value;
    const path = this.#env[`${name}_FILE`];
    if (path === undefined || path === '') return undefined;
    try {
      return readFileSync(path, 'utf8').trim();
    } catch (error) {
      this.problem(`${name}_FILE: cannot read ${path}: ${(error as Error).message}`);
      return undefined;
    }
  }

  string(name: string, byDefault?: string): string {
    const value = this.optional(name) ?? byDefault;
    if (value !== undefined) return value;
    this.problem(`${name} (or ${name}_FILE) is required`);
    return '';
  }

  /** A secret is a long text that was drawn at random, and serves for nothing else. */
  secret(name: string): string {
    const value = this.string(name);
    if (value !== '') this.checkSecret(name, value);
    return value;
  }

  /** Notes what makes a secret weak, and a secret that the process has read before. */
  checkSecret(name: string, value: string): void {
    const problem = secretProblem(value);
    if (problem !== undefined) this.problem(`${name} ${problem}`);
    const other = this.#secrets.get(value);
    if (other !== undefined) this.problem(`${name} is the same secret as ${other}`);
    this.#secrets.set(value, name);
  }

  matching(name: string, rule: { pattern: RegExp; byDefault?: string }): string {
    const value = this.string(name, rule.byDefault);
    if (value !== '' && !rule.pattern.test(value)) {
      this.problem(`${name} does not match ${rule.pattern.source}`);
    }
    return value;
  }

  integer(name: string, range: Range): number {
    const text = this.optional(name);
    if (text === undefined && range.byDefault !== undefined) return range.byDefault;
    const value = Number(text ?? Number.NaN);
    if (Number.isInteger(value) && value >= range.min && value <= range.max) return value;
    this.problem(`${name} must be a whole number from ${range.min} to ${range.max}`);
    return range.min;
  }

  oneOf<Value extends string>(name: string, values: readonly Value[], byDefault: Value): Value {
    const value = this.optional(name) ?? byDefault;
    if ((values as readonly string[]).includes(value)) return value as Value;
    this.problem(`${name} must be one of ${values.join(', ')}`);
    return byDefault;
  }

  url(name: string, protocols: readonly string[]): string {
    const value = this.string(name);
    if (value === '') return value;
    if (PLACEHOLDER.test(value)) this.problem(`${name} is an example`);
    for (const part of value.split(',')) {
      const url = URL.parse(part.trim());
      if (url === null || !protocols.includes(url.protocol)) {
        this.problem(`${name} must be a URL that starts with ${protocols.join(' or ')}`);
      }
    }
    return value;
  }

  list(name: string, byDefault: readonly string[] = []): string[] {
    const value = this.optional(name);
    if (value === undefined) return [...byDefault];
    return value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  }

  problem(text: string): void {
    this.#problems.push(text);
  }

  done(): void {
    if (this.#problems.length > 0) throw new ConfigError(this.#problems);
  }
}

/** Every service reads these settings. */
export type CommonConfig = {
  instance: string;
  nats: { url: string; nkeySeed: string };
  admin: { host: string; port: number };
  log: { level: string; hashKey: string };
};

export function readCommonConfig(reader: EnvReader): CommonConfig {
  return {
    instance: reader.matching('INSTANCE', { pattern: /^[a-z][a-z0-9-]{0,62}$/ }),
    nats: readNats(reader),
    admin: {
      host: reader.string('ADMIN_HOST', '127.0.0.1'),
      port: reader.integer('ADMIN_PORT', { min: 0, max: 65535 }),
    },
    log: {
      level: reader.oneOf(
        'LOG_LEVEL',
        ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
        'info',
      ),
      hashKey: reader.secret('LOG_HASH_KEY'),
    },
  };
}

export function readNats(reader: EnvReader): CommonConfig['nats'] {
  return {
    url: reader.url('NATS_URL', ['nats:', 'tls:']),
    nkeySeed: reader.string('NATS_NKEY_SEED'),
  };
}

/**
 * `QUEUE_SHARDS` is the number of `QUEUE_<shard>` streams. It is part of the data, so it must be
 * the same for routers and the job that makes the streams. The default is enough for 100 000
 * devices: `docs/decisions/queue-shards.md`.
 */
export function readQueueShards(reader: EnvReader): number {
  return reader.integer('QUEUE_SHARDS', { min: 1, max: 4096, byDefault: 1_024 });
}
