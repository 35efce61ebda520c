import pg from 'pg';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { readTime } from './pg-time.ts';
import { checkOut, type PoolClient } from './pooled-client.ts';
import { ServerClient } from './server-client.ts';
import { DatabaseServers } from './servers.ts';
import { createStatementNames } from './statement-names.ts';

/**
 * Store has a connection of Postgres for as long as its own connection lasts, or, if something such
 * as PgBouncer stands between them, for each transaction.
 */
export type Pooling = 'session' | 'transaction';

type PoolOptions = {
  /** One URL, or those of several servers with commas between them. */
  url: string;
  max: number;
  /** Each session setting has the form `name=value`. */
  settings?: readonly string[];
  /** The default is `session`. */
  pooling?: Pooling;
  /** The pools of a process share them. The default is those of `url`. */
  servers?: DatabaseServers;
  /** The default is 1.4 s; only a migration may set more. */
  statementTimeoutMs?: number;
  /** The default is that of a store; only a migration has another. */
  applicationName?: string;
  logger: Logger;
};

/** Kysely needs `connect` and `end`; the hot path runs single statements with `query`. */
export type Pool = {
  /** The pool has at most this many connections. */
  readonly max: number;
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

const { types } = pg;
const readText = (text: string): string => text;

/**
 * The pool heals itself: it throws away connections that failed, that lead to a server which takes
 * no writes any more, or that lead to a standby, and opens new ones to the next of the servers.
 * Statements are prepared by name, once per connection, because planning over partitions costs more
 * than the queries themselves. With `transaction`, nothing is prepared and no setting is made for a
 * session: each statement is in a transaction that makes its settings itself.
 */
export function createPool(options: PoolOptions): Pool {
  const { url, max, logger, pooling = 'session', servers = new DatabaseServers(url) } = options;
  const pool = new pg.Pool({
    ...connectionConfig(options),
    max,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    Client: clientOf(servers),
    onConnect: (client) => (client as ServerClient).look(),
  });
  pool.on('error', (error) => logger.warn({ err: error }, 'idle database connection failed'));
  // A connection that fails in use also rejects its query; without a listener, its `error` event
  // would end the process.
  pool.on('connect', (client) => {
    client.on('error', (error) => logger.warn({ err: error }, 'database connection failed'));
  });
  const manner =
    pooling === 'session'
      ? { nameOf: createStatementNames() }
      : { nameOf: () => undefined, settings: settingsOf(options) };

  const take = async () => {
    const startedAt = steadyMs();
    for (let tries = 1; ; ) {
      try {
        const client = (await pool.connect()) as pg.PoolClient & ServerClient;
        if (client.isUsable()) return client;
        client.release(true);
      } catch (error) {
        const isLate = steadyMs() - startedAt >= CONNECTION_TIMEOUT_MS;
        if (tries >= servers.count || isLate) throw error;
        tries += 1;
      }
    }
  };
  const connect = async (): Promise<PoolClient> => checkOut(await take(), manner);
  return {
    max,
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

function connectionConfig(options: PoolOptions): pg.ClientConfig {
  const { statementTimeoutMs = STATEMENT_TIMEOUT_MS, applicationName = STORE_NAME } = options;
  const config: pg.ClientConfig = {
    query_timeout: statementTimeoutMs + QUERY_TIMEOUT_EXTRA_MS,
    keepAlive: true,
    application_name: applicationName,
    types: { getTypeParser: parserOf as typeof types.getTypeParser },
  };
  // PgBouncer refuses settings of a session.
  if (options.pooling === 'transaction') return config;
  const settings = sessionSettings(options).map((setting) => `-c ${setting}`);
  return { ...config, options: settings.join(' ') };
}

function sessionSettings({ settings = [], statementTimeoutMs }: PoolOptions): string[] {
  return [
    'TimeZone=UTC',
    'jit=off',
    `statement_timeout=${statementTimeoutMs ?? STATEMENT_TIMEOUT_MS}`,
    `idle_in_transaction_session_timeout=${IDLE_IN_TRANSACTION_TIMEOUT_MS}`,
    ...settings,
  ];
}

/** The values are those of this folder; none is input. */
function settingsOf(options: PoolOptions): string {
  const settings = sessionSettings(options).map((setting) => setting.split('='));
  return settings.map(([name, value]) => `set local ${name} = '${value}'`).join('; ');
}

function clientOf(servers: DatabaseServers) {
  const Client = class extends ServerClient {
    constructor(config: pg.ClientConfig) {
      super(config, servers);
    }
  };
  return Client as unknown as new () => pg.ClientBase;
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
