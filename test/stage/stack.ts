import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Test } from 'tap';
import { isAlive } from '../../dev/processes/child.ts';
import { wipePostgres } from '../../dev/servers/postgres-server.ts';
import { type Stack, type StackOptions, startStack } from '../../dev/stack/stack.ts';
import { openCommonStack, TEST_QUEUE_SHARDS } from '../../dev/testing/common-stack.ts';
import {
  commonStackDir,
  createDatabase,
  isSoak,
  redisUrl,
} from '../../dev/testing/test-servers.ts';
import { newId } from '../../shared/ids.ts';
import { Client, type ClientOptions, type MessageEvent } from './client.ts';
import { signalTree } from './process-tree.ts';
import { upgrade } from './websocket.ts';

export type Person = { id: string; token: string };
type Persons<Count extends number, Some extends Person[] = []> = number extends Count
  ? Person[]
  : Some['length'] extends Count
    ? Some
    : Persons<Count, [...Some, Person]>;
type ConnectOptions = ClientOptions & {
  edge?: number;
  /** A proxy before the edges listens on this port. */
  port?: number;
  device?: string;
  resync?: boolean;
};
export type RestAnswer = {
  status: number;
  headers: Headers;
  body: Record<string, unknown> & { error?: { code: string; retry_after?: number } };
};
type RestCall = {
  token?: string | undefined;
  body?: unknown;
  headers?: Record<string, string>;
  edge?: number;
};

type StackOption = 'edges' | 'routers' | 'stores' | 'pushes' | 'env' | 'natsThreads' | 'natsUrlFor';
type Options = Partial<Pick<StackOptions, StackOption>> & {
  /** The system gets its own Postgres and Redis, for tests that kill them. */
  areServersOwn?: boolean;
  /** Starts the NATS servers that the system uses, whose keys are in this folder. */
  startNats?: (dataDir: string) => Promise<{ url: string; stop(): Promise<void> }>;
  /** The stores use this database, which the test has made. */
  databaseUrl?: string;
};

/** A test file may take this long, on a busy machine. */
const FILE_MS = 290_000;
const SQL_END_MS = 1_000;
const SOAK_MS = 3_600_000;
/** The checks of logs skip the log of the kaha-main-v3 stand-in. */
const STAND_IN = 'kaha.log';
const HISTORY_PAGE = 200;
const CREATE_TRIES = 10;

/** Starts a whole system for one test file. It stops with the file, whatever happens. */
export async function setStack(t: Pick<Test, 'teardown' | 'setTimeout'>, options: Options = {}) {
  t.setTimeout(isSoak ? SOAK_MS : FILE_MS);
  const { areServersOwn = false, databaseUrl: given, startNats, ...counts } = options;
  const dir = mkdtempSync(join(tmpdir(), 'kaha-system-'));
  const nats = await startNats?.(join(dir, 'data'));
  const database = areServersOwn || given !== undefined ? undefined : await createDatabase();
  const databaseUrl = given ?? database?.url;
  const stack = await startStack({
    ...{ runDir: join(dir, 'run'), dataDir: join(dir, 'data'), port: 0 },
    ...{ edges: 2, routers: 2, stores: 2, queueShards: TEST_QUEUE_SHARDS, ...counts },
    survivesPowerCut: false,
    ...(nats !== undefined && { natsUrl: nats.url }),
    ...(databaseUrl !== undefined && { databaseUrl, redisUrl: await redisUrl() }),
  });
  const system = new System(stack, {
    runDir: join(dir, 'run'),
    clear: async () => {
      await database?.drop();
      await nats?.stop();
      wipePostgres(join(dir, 'data'));
      rmSync(dir, { recursive: true, force: true });
    },
  });
  process.once('exit', () => system.killAll());
  // tap sends SIGALRM to a test file that takes too long.
  for (const signal of ['SIGALRM', 'SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => process.exit(1));
  }
  t.teardown(() => system.close());
  return system;
}

/**
 * Opens the system that several files of `npm test` share. Such a file harms nothing of the system,
 * and counts nothing that other files add to. A file that is run alone gets its own system.
 */
export async function shareStack(t: Pick<Test, 'teardown' | 'setTimeout'>): Promise<System> {
  if (commonStackDir === undefined) return setStack(t);
  t.setTimeout(isSoak ? SOAK_MS : FILE_MS);
  const { stack, runDir } = openCommonStack(commonStackDir);
  const system = new System(stack, { runDir, clear: () => Promise.resolve() });
  t.teardown(() => system.close());
  return system;
}

/**
 * A place says where the logs of a system are. `clear` removes the place once the whole system has
 * stopped.
 */
type Place = { runDir: string; clear(): Promise<void> };

/** A test acts on a running system from outside by means of this class. */
export class System {
  readonly stack: Stack;
  /**
   * The set has every id, token and content that a test has sent. None of them may ever appear in a
   * log.
   */
  readonly canaries = new Set<string>();
  readonly #place: Place;
  readonly #clients = new Set<Client>();
  #sql: pg.Pool | undefined;

  constructor(stack: Stack, place: Place) {
    this.stack = stack;
    this.#place = place;
  }

  async people<Count extends number>(count: Count, ttlS?: number): Promise<Persons<Count>> {
    const people = await Promise.all(
      Array.from({ length: count }, async () => {
        const id = newId<string>();
        const token = await this.stack.token(id, ttlS);
        this.canaries.add(id).add(token);
        return { id, token };
      }),
    );
    return people as Persons<Count>;
  }

  async person(ttlS?: number): Promise<Person> {
    return (await this.people(1, ttlS))[0];
  }

  edgePort(edge = 1): number {
    return Number(new URL(this.stack.urls.edges[edge - 1] as string).port);
  }

  /** Opens a WebSocket. The client has sent nothing on it except the headers. */
  async socket(headers: Record<string, string> = {}, options: ConnectOptions = {}) {
    const upgraded = await upgrade(options.port ?? this.edgePort(options.edge), { headers });
    if (upgraded.status !== 101) throw new Error(`${upgraded.status} ${upgraded.body}`);
    const client = new Client(upgraded, options);
    this.#clients.add(client);
    void client.closed.then(() => this.#clients.delete(client));
    return client;
  }

  /** Opens a session of the device. Its `auth_ok` is `received[0]`. */
  async connect(person: Person, options: ConnectOptions = {}): Promise<Client> {
    const { device = 'phone', resync } = options;
    const client = await this.socket({}, options);
    client.send({
      ...{ type: 'auth', token: person.token, device_id: device },
      ...(resync !== undefined && { resync }),
    });
    await client.next('auth_ok');
    return client;
  }

  /**
   * Does the same as `connect` for a new device, and waits until the replay is over. Then the
   * device queue exists. The client acknowledges the end of the replay in any case: a device that
   * has not is told again by its next session, which replays beside what the queue sends.
   */
  async connectNew(person: Person, options: ConnectOptions = {}): Promise<Client> {
    const client = await this.connect(person, options);
    const { q } = await client.next('replay_end');
    if (!client.isAcking) client.ack(Number(q));
    return client;
  }

  async rest(method: string, path: string, call: RestCall = {}): Promise<RestAnswer> {
    const { token, body, headers, edge = 1 } = call;
    const response = await fetch(`${this.stack.urls.edges[edge - 1]}${path}`, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        // An edge closes a connection that is idle for 10 s. A test that was busy for as long would
        // ask on a connection that is closed already, and a POST must not be repeated blindly.
        connection: 'close',
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
    const text = await response.text();
    const parsed = text.startsWith('{') ? (JSON.parse(text) as RestAnswer['body']) : {};
    return { status: response.status, headers: response.headers, body: parsed };
  }

  /**
   * Resolves with the direct conversation of two people, or a group of more. The first one creates
   * it.
   */
  async conversation(people: readonly Person[]): Promise<string> {
    const [maker, ...others] = people as [Person, ...Person[]];
    const body = {
      type: others.length === 1 ? 'direct' : 'group',
      participant_ids: others.map(({ id }) => id),
    };
    const create = () => this.rest('POST', '/api/v1/conversations', { token: maker.token, body });
    let answer = await create();
    // A system that a test has just harmed may still refuse, and says when to try again. Such a
    // request has changed nothing.
    for (let tries = 1; answer.status === 503 && tries < CREATE_TRIES; tries += 1) {
      await delay(1_000 * (answer.body.error?.retry_after ?? 1));
      answer = await create();
    }
    if (answer.status >= 300) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
    const id = answer.body.conversation_id as string;
    this.canaries.add(id);
    return id;
  }

  /** Reads the whole history, oldest message first, as the person sees it. */
  async history(person: Person, conversationId: string): Promise<MessageEvent[]> {
    const messages: MessageEvent[] = [];
    for (let hasMore = true; hasMore; ) {
      const after = messages.at(-1)?.seq ?? 0;
      const query = `after_seq=${after}&limit=${HISTORY_PAGE}`;
      const path = `/api/v1/conversations/${conversationId}/messages?${query}`;
      const { status, body } = await this.rest('GET', path, { token: person.token });
      if (status === 429) {
        await delay(1_000 * (body.error?.retry_after ?? 1));
        continue;
      }
      if (status !== 200) throw new Error(`history: ${status} ${JSON.stringify(body)}`);
      messages.push(...(body.messages as MessageEvent[]));
      hasMore = body.has_more as boolean;
    }
    return messages;
  }

  async sql<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.pool.query<Row>(text, values)).rows;
  }

  get pool(): pg.Pool {
    if (this.#sql === undefined) {
      this.#sql = new pg.Pool({ connectionString: this.stack.urls.database, max: 4 });
      // Some tests kill the server on purpose, and the next query connects anew.
      this.#sql.on('error', (error) => void error);
    }
    return this.#sql;
  }

  /** Signals a process and all its descendants, so that the signal reaches a whole server. */
  signal(name: string, signal: NodeJS.Signals): void {
    const running = this.stack.processes.find((process) => process.name === name);
    if (running === undefined) throw new Error(`no process ${name}`);
    signalTree(running.pid, signal);
  }

  /** Commands that act on a running stack find it, and its secrets, in these places. */
  get places(): { stackFile: string; dataDir: string } {
    const { runDir } = this.#place;
    return { stackFile: join(runDir, 'stack.json'), dataDir: join(runDir, '..', 'data') };
  }

  /**
   * Returns the logs by process. They are those of our services, and of servers that only this
   * stack uses.
   */
  logs(): Map<string, string> {
    const { runDir } = this.#place;
    const names = readdirSync(runDir).filter((name) => name.endsWith('.log') && name !== STAND_IN);
    return new Map(names.map((name) => [name, readFileSync(join(runDir, name), 'utf8')]));
  }

  /** Returns the log lines in which one of the canaries appears. */
  leaks(): string[] {
    return [...this.logs()].flatMap(([name, text]) =>
      [...this.canaries]
        .filter((canary) => text.includes(canary))
        .map((canary) => `${name}: ${text.split('\n').find((line) => line.includes(canary))}`),
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.destroy()));
    // A connection that a failed test still holds must not keep the rest of the system from ending.
    await Promise.race([this.#sql?.end(), delay(SQL_END_MS, undefined, { ref: false })]);
    // Nothing of this system is needed any more, so its processes need no time to end in order. A
    // Postgres that is killed would leave shared memory behind.
    for (const running of this.stack.processes.filter(isAlive)) {
      signalTree(running.pid, running.service === 'postgres' ? 'SIGCONT' : 'SIGKILL');
    }
    await this.stack.stop();
    const left = this.stack.processes.filter(isAlive).map(({ name }) => name);
    if (left.length > 0) throw new Error(`still running: ${left.join(', ')}`);
    await this.#place.clear();
  }

  /** Kills everything at the end of the test process, where nothing can be awaited. */
  killAll(): void {
    for (const running of this.stack.processes) {
      if (isAlive(running)) signalTree(running.pid, 'SIGKILL');
    }
  }
}
