import { Redis } from 'ioredis';
import type { JetStreamManager } from 'nats';
import { connectNats } from '../../shared/nats/nats-connection.ts';
import type { System } from '../stage/stack.ts';

/** EVENTS keeps ids for 7 days, and what kaha-main-v3 tells is not ours. */
const NOT_LOOKED_AT = ['EVENTS', 'KAHA_EVENTS'];

const NOT_FOUND = 404;

/**
 * Returns every place in Postgres, Redis and JetStream in which a text stands in clear: tables,
 * keys, consumers and messages of streams.
 */
export async function placesWith(system: System, text: string): Promise<string[]> {
  const places = await Promise.all([
    tablesWith(system, text),
    keysWith(system, text),
    streamsWith(system, text),
  ]);
  return places.flat();
}

async function tablesWith(system: System, text: string): Promise<string[]> {
  const tables = await system.sql<{ name: string }>(
    `select relname as name from pg_class where relkind in ('r', 'p') and not relispartition
      and relnamespace = 'public'::regnamespace order by 1`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const like = `select 1 from ${name} as r where r::text like $1 limit 1`;
    if ((await system.sql(like, [`%${text}%`])).length > 0) found.push(`table ${name}`);
  }
  return found;
}

async function keysWith({ stack }: System, text: string): Promise<string[]> {
  const redis = new Redis(stack.urls.redis);
  const found: string[] = [];
  try {
    for await (const keys of redis.scanStream({ count: 1_000 }) as AsyncIterable<string[]>) {
      for (const key of keys) {
        if (key.includes(text) || (await textOf(redis, key)).includes(text)) {
          found.push(`key ${key}`);
        }
      }
    }
  } finally {
    redis.disconnect();
  }
  return found;
}

async function textOf(redis: Redis, key: string): Promise<string> {
  switch (await redis.type(key)) {
    case 'string':
      return (await redis.get(key)) ?? '';
    case 'hash':
      return JSON.stringify(await redis.hgetall(key));
    case 'set':
      return JSON.stringify(await redis.smembers(key));
    case 'zset':
      return JSON.stringify(await redis.zrange(key, '0', '-1'));
    default:
      return '';
  }
}

/** A queue may have lost the message meanwhile. */
async function messageAt(jsm: JetStreamManager, stream: string, seq: number) {
  try {
    return await jsm.streams.getMessage(stream, { seq });
  } catch (error) {
    if ((error as { api_error?: { code: number } }).api_error?.code === NOT_FOUND) return undefined;
    throw error;
  }
}

async function streamsWith({ stack }: System, text: string): Promise<string[]> {
  const nkeySeed = stack.seeds.setup as string;
  const user = { nkeySeed, natsUser: 'setup', instance: 'setup' };
  const nc = await connectNats({ url: stack.urls.nats, ...user });
  const found: string[] = [];
  try {
    const jsm = await nc.jetstreamManager();
    for await (const { config, state } of jsm.streams.list()) {
      if (NOT_LOOKED_AT.includes(config.name)) continue;
      for await (const consumer of jsm.consumers.list(config.name)) {
        if (consumer.name.includes(text)) found.push(`consumer ${consumer.name}`);
      }
      for (let seq = state.first_seq; state.messages > 0 && seq <= state.last_seq; seq += 1) {
        const message = await messageAt(jsm, config.name, seq);
        if (message === undefined) continue;
        if (message.subject.includes(text) || message.string().includes(text)) {
          found.push(`stream ${config.name} ${message.subject}`);
        }
      }
    }
  } finally {
    await nc.close();
  }
  return found;
}
