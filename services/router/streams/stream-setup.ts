import type { NatsConnection } from 'nats';
import {
  isFormerShard,
  jetStreamApi,
  shardOfStream,
  streams,
  subjects,
} from '../../../shared/contracts/subjects.ts';
import {
  type ConsumerDefinition,
  consumerDefinitions,
  type StreamDefinition,
  type StreamSettings,
  shardDescription,
  streamDefinitions,
} from './stream-definitions.ts';

const TIMEOUT_MS = 10_000;
const STREAM_NOT_FOUND = 10059;

type Reply = { error?: { code: number; err_code: number; description: string } };
type Existing = { name: string; description?: string };

/**
 * The streams were made with another number of shards. With this one, users would lose their
 * queues.
 */
class ShardsChangedError extends Error {
  constructor(stream: Existing, shards: number) {
    const found = `${stream.name} is "${stream.description ?? 'of an unknown number'}"`;
    super(`QUEUE_SHARDS is ${shards}, but ${found}: moving to another number needs a migration`);
    this.name = 'ShardsChangedError';
  }
}

type StreamSetUp = {
  created: string[];
  updated: string[];
  deletedStreams: string[];
  deletedConsumers: string[];
};

/**
 * Makes all streams and fixed consumers, or brings them to their definition. It is safe to repeat.
 * Streams of an earlier version, whose subjects were the users', are deleted first, because
 * JetStream reserves disk for them. Their devices get new queues, and replay what they lack.
 */
export async function setUpStreams(
  nc: NatsConnection,
  settings: StreamSettings,
): Promise<StreamSetUp> {
  const result: StreamSetUp = {
    ...{ created: [], updated: [] },
    ...{ deletedStreams: [], deletedConsumers: [] },
  };
  const names = await listAll<string>(nc, { op: 'STREAM.NAMES', field: 'streams' });
  const found = await findStreams(nc, names, settings);
  const wrong = found.find((stream) => isOfOtherShards(stream, settings.shards));
  if (wrong !== undefined) throw new ShardsChangedError(wrong, settings.shards);
  for (const name of names.filter(isFormerShard)) {
    await ask(nc, `STREAM.DELETE.${name}`, {});
    result.deletedStreams.push(name);
  }
  const existing = new Set(found.map(({ name }) => name));
  for (const definition of streamDefinitions(settings)) {
    const { name } = definition;
    const op = existing.has(name) ? 'UPDATE' : 'CREATE';
    await ask(nc, `STREAM.${op}.${name}`, definition);
    (op === 'CREATE' ? result.created : result.updated).push(name);
  }
  const consumers = consumerDefinitions(settings);
  for (const consumer of consumers) await createConsumer(nc, consumer);
  for (const name of await findStaleConsumers(nc, consumers)) {
    await ask(nc, `CONSUMER.DELETE.${streams.events}.${name}`, {});
    // A consumer that is named again later begins anew.
    await ask(nc, `STREAM.PURGE.${streams.bookmarks}`, { filter: subjects.bookmarks(name) });
    result.deletedConsumers.push(name);
  }
  return result;
}

async function createConsumer(nc: NatsConnection, consumer: ConsumerDefinition): Promise<void> {
  const { stream, config } = consumer;
  const body = { stream_name: stream, config };
  await ask(nc, `CONSUMER.DURABLE.CREATE.${stream}.${config.durable_name}`, body);
}

/**
 * Finds the durables on EVENTS of consumers that are no longer named, because what they have not
 * acknowledged would stay. A durable that ends by itself once nobody uses it belongs to a person
 * who watches the feed.
 */
async function findStaleConsumers(
  nc: NatsConnection,
  named: readonly ConsumerDefinition[],
): Promise<string[]> {
  const wanted = new Set(
    named.flatMap(({ stream, config }) => (stream === streams.events ? config.durable_name : [])),
  );
  type Info = { name: string; config: { inactive_threshold?: number } };
  const found = await listAll<Info>(nc, {
    op: `CONSUMER.LIST.${streams.events}`,
    field: 'consumers',
  });
  return found
    .filter(({ name, config }) => !wanted.has(name) && config.inactive_threshold === undefined)
    .map(({ name }) => name);
}

/** Finds the project's streams that exist, and shards beyond the wanted number too. */
async function findStreams(
  nc: NatsConnection,
  names: readonly string[],
  settings: StreamSettings,
): Promise<Existing[]> {
  const defined = new Set(streamDefinitions(settings).map(({ name }) => name));
  const found: Existing[] = [];
  for (const name of names) {
    if (!defined.has(name) && shardOfStream(name) === undefined) continue;
    const config = await describe(nc, name);
    if (config !== undefined) found.push(config);
  }
  return found;
}

/** Reads all pages of a list of JetStream's API. */
async function listAll<Item>(
  nc: NatsConnection,
  { op, field }: { op: string; field: 'streams' | 'consumers' },
): Promise<Item[]> {
  const items: Item[] = [];
  for (;;) {
    type Page = Partial<Record<typeof field, Item[] | null>> & { total: number };
    const page = await ask<Page>(nc, op, { offset: items.length });
    const part = page[field] ?? [];
    items.push(...part);
    if (part.length === 0 || items.length >= page.total) return items;
  }
}

async function describe(nc: NatsConnection, name: string): Promise<StreamDefinition | undefined> {
  const reply = await request<{ config: StreamDefinition }>(nc, `STREAM.INFO.${name}`, {});
  if (reply.error?.err_code === STREAM_NOT_FOUND) return undefined;
  if (reply.error !== undefined) throw new Error(`${name}: ${reply.error.description}`);
  return reply.config;
}

function isOfOtherShards({ name, description }: Existing, shards: number): boolean {
  const shard = shardOfStream(name);
  return shard !== undefined && description !== shardDescription(shard, shards);
}

async function ask<Result>(nc: NatsConnection, op: string, body: object): Promise<Result> {
  const reply = await request<Result>(nc, op, body);
  if (reply.error !== undefined) throw new Error(`${op}: ${reply.error.description}`);
  return reply;
}

async function request<R>(nc: NatsConnection, op: string, body: object): Promise<R & Reply> {
  const options = { timeout: TIMEOUT_MS };
  const msg = await nc.request(jetStreamApi(op), JSON.stringify(body), options);
  return msg.json<R & Reply>();
}
