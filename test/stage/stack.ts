import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Test } from 'tap';
import { isAlive } from '../../dev/processes/child.ts';
import { wipePostgres } from '../../dev/servers/postgres-server.ts';
import { type Stack, type StackOptions, startStack } from '../../dev/stack/stack.ts';
import { openCommonStack } from '../../dev/testing/common-stack.ts';
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
export type ConnectOptions = ClientOptions & { edge?: number; device?: string; resync?: boolean };
export type RestAnswer = {
  status: number;
  headers: Headers;
  body: Record<string, unknown> & { error?: { code: string; retry_after?: number } };
};
export type RestCall = {
  token?: string | undefined;
  body?: unknown;
  headers?: Record<string, string>;
  edge?: number;
};

type Options = Partial<Pick<StackOptions, 'edges' | 'routers' | 'stores' | 'env'>> & {
  /** A Postgres and a Redis of its own, for tests that kill them. */
  areServersOwn?: boolean;
};

/** What a file may take, on a busy machine. */
const FILE_MS = 170_000;
const SQL_END_MS = 1_000;
const SOAK_MS = 3_600_000;
/** Its log is nobody's concern. */
const STAND_IN = 'kaha.log';
const HISTORY_PAGE = 200;

/** A whole system for one test file, gone with it whatever happens. */
export async function setStack(t: Pick<Test, 'teardown' | 'setTimeout'>, options: Options = {}) {
  t.setTimeout(isSoak ? SOAK_MS : FILE_MS);
  const { areServersOwn = false, ...counts } = options;
  const dir = mkdtempSync(join(tmpdir(), 'kaha-system-'));
  const database = areServersOwn ? undefined : await createDatabase();
  const stack = await startStack({
    ...{ runDir: join(dir, 'run'), dataDir: join(dir, 'data'), port: 0 },
    ...{ edges: 2, routers: 2, stores: 2, ...counts },
    ...(database !== undefined && { databaseUrl: database.url, redisUrl: await redisUrl() }),
  });
  const system = new System(stack, {
    runDir: join(dir, 'run'),
    clear: async () => {
      await database?.drop();
      wipePostgres(join(dir, 'data'));
      rmSync(dir, { recursive: true, force: true });
    },
  });
  process.once('exit', () => system.killAll());
  // SIGALRM is what tap ends a file with that takes too long.
  for (const signal of ['SIGALRM', 'SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => process.exit(1));
  }
  t.teardown(() => system.close());
  return system;
}

/**
 * The system that the files of `npm test` share which harm nothing of it and count nothing in it
 * that others make too; for a file that is run alone one of its own.
 */
export async function shareStack(t: Pick<Test, 'teardown' | 'setTimeout'>): Promise<System> {
  if (commonStackDir === undefined) return setStack(t);
  t.setTimeout(isSoak ? SOAK_MS : FILE_MS);
  const { stack, runDir } = openCommonStack(commonStackDir);
  const system = new System(stack, { runDir, clear: () => Promise.resolve() });
  t.teardown(() => system.close());
  return system;
}

/** Where its logs are, and how it goes once all of it has stopped. */
type Place = { runDir: string; clear(): Promise<void> };

/** What a test does to a running system, from outside. */
export class System {
  readonly stack: Stack;
  /** Every id, token and content that went in: none may ever be read in a log. */
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

  /** A WebSocket; nothing was said on it yet but what the headers say. */
  async socket(headers: Record<string, string> = {}, options: ConnectOptions = {}) {
    const upgraded = await upgrade(this.edgePort(options.edge), { headers });
    if (upgraded.status !== 101) throw new Error(`${upgraded.status} ${upgraded.body}`);
    const client = new Client(upgraded, options);
    this.#clients.add(client);
    void client.closed.then(() => this.#clients.delete(client));
    return client;
  }

  /** A session of the device, open. Its `auth_ok` is `received[0]`. */
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

  /** As `connect`, for the first time and until the replay is over: the queue is there. */
  async connectNew(person: Person, options: ConnectOptions = {}): Promise<Client> {
    const client = await this.connect(person, options);
    await client.next('replay_end');
    return client;
  }

  async rest(method: string, path: string, call: RestCall = {}): Promise<RestAnswer> {
    const { token, body, headers, edge = 1 } = call;
    const response = await fetch(`${this.stack.urls.edges[edge - 1]}${path}`, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
    const text = await response.text();
    const parsed = text.startsWith('{') ? (JSON.parse(text) as RestAnswer['body']) : {};
    return { status: response.status, headers: response.headers, body: parsed };
  }

  /** The conversation of two, or the group of more; the first one makes it. */
  async conversation(people: readonly Person[]): Promise<string> {
    const [maker, ...others] = people as [Person, ...Person[]];
    const answer = await this.rest('POST', '/api/v1/conversations', {
      token: maker.token,
      body: {
        type: others.length === 1 ? 'direct' : 'group',
        participant_ids: others.map(({ id }) => id),
      },
    });
    if (answer.status >= 300) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
    const id = answer.body.conversation_id as string;
    this.canaries.add(id);
    return id;
  }

  /** All of it, oldest first, as the person sees it. */
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
      // A server that is killed on purpose: the next query connects anew.
      this.#sql.on('error', (error) => void error);
    }
    return this.#sql;
  }

  /** To a process and what it has started: for a server, all of it. */
  signal(name: string, signal: NodeJS.Signals): void {
    const running = this.stack.processes.find((process) => process.name === name);
    if (running === undefined) throw new Error(`no process ${name}`);
    signalTree(running.pid, signal);
  }

  /** What was written, by process: by our services, and by servers of this stack alone. */
  logs(): Map<string, string> {
    const { runDir } = this.#place;
    const names = readdirSync(runDir).filter((name) => name.endsWith('.log') && name !== STAND_IN);
    return new Map(names.map((name) => [name, readFileSync(join(runDir, name), 'utf8')]));
  }

  /** Lines of logs in which one of the canaries can be read. */
  leaks(): string[] {
    return [...this.logs()].flatMap(([name, text]) =>
      [...this.canaries]
        .filter((canary) => text.includes(canary))
        .map((canary) => `${name}: ${text.split('\n').find((line) => line.includes(canary))}`),
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.destroy()));
    // A connection that a failed test still holds must not keep the rest from its end.
    await Promise.race([this.#sql?.end(), delay(SQL_END_MS, undefined, { ref: false })]);
    for (const { pid } of this.stack.processes) signalTree(pid, 'SIGCONT');
    await this.stack.stop();
    const left = this.stack.processes.filter(isAlive).map(({ name }) => name);
    if (left.length > 0) throw new Error(`still running: ${left.join(', ')}`);
    await this.#place.clear();
  }

  /** For the end of the test process, where nothing can be awaited. */
  killAll(): void {
    for (const running of this.stack.processes) {
      if (isAlive(running)) signalTree(running.pid, 'SIGKILL');
    }
  }
}
