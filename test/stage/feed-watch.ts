import { Writable } from 'node:stream';
import type { Test } from 'tap';
import { printFeed } from '../../dev/feed/print-feed.ts';
import { until } from '../../dev/testing/until.ts';
import type { FeedEvent, FeedKind } from '../../shared/contracts/feed.ts';
import { streams } from '../../shared/contracts/subjects.ts';
import { connectNats } from '../../shared/nats/nats-connection.ts';
import type { System } from './stack.ts';

/** The lease of a router that died lasts 30 s, and routers look for what is owed every 2 to 3 s. */
const FED_MS = 60_000;
/** Nobody owes these, so they are in no table. */
const BEST_EFFORT: readonly FeedKind[] = ['read', 'taken_late'];

type FeedWatch = {
  events: readonly FeedEvent[];
  /** Resolves with the first event that matches, and also finds one that has come before. */
  next(isIt: (event: FeedEvent) => boolean): Promise<FeedEvent>;
  end(): Promise<void>;
};

/** Reads the feed as `npm run events` does, from now on. */
export async function watchFeed({ stack }: System): Promise<FeedWatch> {
  const nkeySeed = stack.seeds.setup ?? '';
  const user = { natsUser: 'setup', instance: 'feed-watch', nkeySeed };
  const nc = await connectNats({ url: stack.urls.nats, ...user });
  const jsm = await nc.jetstreamManager();
  const events: FeedEvent[] = [];
  const ending = new AbortController();
  const out = new Writable({
    write(chunk: Buffer, _, written) {
      const lines = chunk.toString().split('\n').slice(0, -1);
      for (const line of lines) events.push(JSON.parse(line) as FeedEvent);
      written();
    },
  });
  const printing = printFeed({ nc, out, say: () => undefined, signal: ending.signal });
  await until('the watcher has a durable', async () => {
    return (await jsm.streams.info(streams.events)).state.consumer_count > 0;
  });
  return {
    events,
    next: (isIt) => until('an event of the feed', () => events.find(isIt), FED_MS),
    async end() {
      ending.abort();
      await printing;
      await nc.close();
    },
  };
}

/**
 * Checks that the feed has told each committed event at least once and none besides, and that
 * nothing is owed any more.
 */
export async function checkFeed(
  t: Test,
  system: System,
  events: readonly FeedEvent[],
): Promise<void> {
  const committed = await idsOf(system);
  const told = (): Set<string> =>
    new Set(events.flatMap(({ kind, event_id }) => (BEST_EFFORT.includes(kind) ? [] : event_id)));
  const missing = (): string[] => {
    const known = told();
    return [...committed].filter((id) => !known.has(id));
  };
  await until('all events are told', () => missing().length === 0, FED_MS).catch(
    (error: unknown) => error,
  );
  t.same(missing(), [], `the feed has told all ${committed.size} events`);
  t.same(
    [...told()].filter((id) => !committed.has(id)),
    [],
    'the feed has told no other event',
  );
  const owed = async () => (await system.sql<{ n: string }>('select count(*) n from outbox'))[0]?.n;
  await until('the outbox is empty', async () => Number(await owed()) === 0, FED_MS).catch(
    (error: unknown) => error,
  );
  t.equal(Number(await owed()), 0, 'nothing is owed any more');
}

async function idsOf(system: System): Promise<Set<string>> {
  const rows = await system.sql<{ id: string }>(`select message_id as id from messages
    union all select event_id as id from event_log`);
  return new Set(rows.map(({ id }) => id));
}
