import { createHash } from 'node:crypto';
import pg from 'pg';
import type { Logger } from '../../../shared/process/logger.ts';
import { classifyFailure } from './database-error.ts';
import { readTime } from './pg-time.ts';

type PoolOptions = {
  url: string;
  max: number;
  /** Each session setting has the form `name=value`. */
  settings?: readonly string[];
  /** The default is 1.4 s; only a migration may set more. */
  statementTimeoutMs?: number;
  /** The default is that of a store; only a migration has another. */
  applicationName?: string;
  logger: Logger;
};

type QueryResult<Row> = { rows: Row[]; rowCount: number | null; command: string };

type PoolClient = {
  query<Row>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>>;
  release(): void;
};

/** Kysely needs `connect` and `end`; the hot path runs single statements with `query`. */
export type Pool = {
  connect(): Promise<PoolClient>;
  query<Row>(text: string, values: readonly unknown[]): Promise<Row[]>;
  end(): Promise<void>;
};

/** The connections of a store have this name in Postgres. */
export const STORE_NAME = 'kaha-store';
/** Postgres ends a statement that takes longer; the connection survives. */
const STATEMENT_TIMEOUT_MS = 1_400;
/**
 * The client gives a statement up this long after Postgres should have ended it. So the client
 * gives up only where Postgres is frozen or cannot be reached.
 */
const QUERY_TIMEOUT_EXTRA_MS = 200;
const CONNECTION_TIMEOUT_MS = 1_000;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 60_000;
/** At most this many statement texts get a name; every further one is planned at each call. */
const STATEMENT_NAMES_MAX = 500;

const { types } = pg;
const readText = (text: string): string => text;

/**
 * The pool heals itself: it throws away a connection whose query got no answer, because the next
 * query on it would wait behind that one. Statements are prepared by name, once per connection,
 * because planning over partitions costs more than the queries themselves.
 */
export function createPool(options: PoolOptions): Pool {
  const { url, max, settings = [], logger } = options;
  const { statementTimeoutMs = STATEMENT_TIMEOUT_MS, applicationName = STORE_NAME } = options;
  const pool = new pg.Pool({
    connectionString: url,
    max,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + QUERY_TIMEOUT_EXTRA_MS,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    keepAlive: true,
    application_name: applicationName,
    options: ['TimeZone=UTC', 'jit=off', ...settings].map((setting) => `-c ${setting}`).join(' '),
    types: { getTypeParser: parserOf as typeof types.getTypeParser },
  });
  pool.on('error', (error) => logger.warn({ err: error }, 'idle database connection failed'));
  // A connection that fails in use also rejects its query; without a listener, its `error` event
  // would end the process.
  pool.on('connect', (client) => {
    client.on('error', (error) => logger.warn({ err: error }, 'database connection failed'));
  });
  const nameOf = createStatementNames();

  const connect = async (): Promise<PoolClient> => {
    const client = await pool.connect();
    let broken: Error | undefined;
    return {
      async query<Row>(text: string, values: readonly unknown[] = []) {
        if (broken) throw broken;
        try {
          const name = nameOf(text);
          const query = { text, values: [...values], ...(name !== undefined && { name }) };
          return (await client.query(query)) as unknown as QueryResult<Row>;
        } catch (error) {
          if (isBroken(error)) broken = error as Error;
          throw error;
        }
      },
      release: () => client.release(broken),
    };
  };
  return {
    connect,
    async query<Row>(text: string, values: readonly unknown[]) {
      const client = await connect();
      try {
        return (await client.query<Row>(text, values)).rows;
      } finally {
        client.release();
      }
    },
    end: () => pool.end(),
  };
}

function isBroken(error: unknown): boolean {
  const failure = classifyFailure(error);
  // An error of `statement_timeout` has a code, and its connection is sound.
  return failure === 'gone' || (failure === 'frozen' && !(error as { code?: string }).code);
}

/**
 * A bigint becomes a number, as no count here passes 2^53. A time becomes the wire's ISO string.
 */
function parserOf(oid: number, format?: 'text' | 'binary'): unknown {
  if (format === 'binary') return types.getTypeParser(oid, 'binary');
  if (oid === types.builtins.INT8) return Number;
  if (oid === types.builtins.TIMESTAMPTZ) return readTime;
  if (oid === types.builtins.UUID) return readText;
  return types.getTypeParser(oid, 'text');
}

/** One text always gets one name; only statements that Postgres plans get a name. */
function createStatementNames(): (text: string) => string | undefined {
  const names = new Map<string, string>();
  return (text) => {
    const known = names.get(text);
    if (known !== undefined) return known;
    if (
      names.size >= STATEMENT_NAMES_MAX ||
      !/^\s*(select|insert|update|delete|with)\b/i.test(text)
    ) {
      return undefined;
    }
    const name = `s${createHash('sha1').update(text).digest('hex').slice(0, 16)}`;
    names.set(text, name);
    return name;
  };
}
