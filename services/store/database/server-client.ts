import pg from 'pg';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { DatabaseServers, Server } from './servers.ts';

/** A server that takes no writes is looked for again after this time. */
const READ_ONLY_MS = 1_000;
/** Postgres says so of itself while it takes no connections. */
const CANNOT_CONNECT_NOW = '57P03';
const LOOK = `select pg_is_in_recovery() as is_standby,
  current_setting('transaction_read_only') = 'on' as is_read_only`;

type Look = { is_standby: boolean; is_read_only: boolean };

/**
 * The connection leads to the server that is the current one when it is opened. A standby is not
 * used, because it may be behind. A primary that is read-only has the truth, so its connection
 * serves reads, but only for 1 s: a session that was opened read-only stays so, although the server
 * takes writes again.
 */
export class ServerClient extends pg.Client {
  readonly #servers: DatabaseServers;
  readonly #server: Server;
  readonly #openedAtMs = steadyMs();
  #isReadOnly = false;

  constructor(config: pg.ClientConfig, servers: DatabaseServers) {
    const server = servers.current;
    super({ ...config, connectionString: server.url });
    this.#servers = servers;
    this.#server = server;
  }

  override connect(): Promise<pg.Client>;
  override connect(callback: (error: Error) => void): void;
  override connect(callback?: (error: Error) => void): Promise<pg.ClientBase> | undefined {
    if (callback === undefined) return super.connect();
    super.connect((error: Error | null) => {
      if (error) this.#servers.leave(this.#server.index);
      callback(error as Error);
    });
    return undefined;
  }

  /** The pool calls this once the connection is open. The promise rejects if it is not used. */
  async look(): Promise<void> {
    const { rows } = await this.query<Look>(LOOK);
    const { is_standby: isStandby = false, is_read_only: isReadOnly = false } = rows[0] ?? {};
    if (isStandby || isReadOnly) this.#servers.leave(this.#server.index);
    if (isStandby) {
      throw Object.assign(new Error('the server is a standby'), { code: CANNOT_CONNECT_NOW });
    }
    this.#isReadOnly = isReadOnly;
  }

  /** The result is false if another connection must take its place. */
  isUsable(): boolean {
    const isOld = this.#isReadOnly && steadyMs() - this.#openedAtMs >= READ_ONLY_MS;
    return !isOld && !this.#servers.isDoubted(this.#openedAtMs);
  }

  /** The server was read-only when it was looked at, so a write that it refuses is no news. */
  get isReadOnly(): boolean {
    return this.#isReadOnly;
  }

  /**
   * The server takes no writes any more, or does not answer. No connection that leads there is used
   * again.
   */
  doubt(): void {
    this.#servers.doubt(steadyMs());
    this.#servers.leave(this.#server.index);
  }
}
