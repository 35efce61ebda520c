import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import t from 'tap';
import { until } from '../dev/testing/until.ts';
import type { Client, Frame } from './stage/client.ts';
import { numbers } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';

/** No committed change of a message is lost, whichever process dies. */
const system = await setStack(t, { edges: 2, routers: 2, stores: 2 });
const THUMB = '👍🏽';
/**
 * Routers look every 2-3 s for fan-outs that are owed for more than 5 s after the commit. They take
 * over a fan-out that was begun and not finished after 30 s.
 */
const OWED_MS = 45_000;
const RETRY_MS = 100;

type Update = Frame & { version: number; reactions: { emoji: string; count: number }[] };

const updates = (client: Client): Update[] =>
  client.received.filter((frame): frame is Update => frame.type === 'message_updated');
const next = (client: Client, version: number) =>
  client.next<Update>((f) => f.type === 'message_updated' && f.version === version, OWED_MS);

t.test('a change whose routers die before the fan-out reaches one who was away', async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const [a, b] = [await system.connectNew(ann), await system.connectNew(bob, { edge: 2 })];
  const id = (await a.post(conversation, 'x')).data?.message_id as string;
  await b.settled();
  await b.close();
  await system.sql(`create or replace function wait_for_test() returns trigger
    language plpgsql as $$ begin perform pg_advisory_xact_lock_shared(4712); return null; end $$`);
  await system.sql(`create constraint trigger wait_for_test after insert on reactions
    deferrable initially deferred for each row execute function wait_for_test()`);
  const holder = new pg.Client({ connectionString: system.stack.urls.database });
  await holder.connect();
  await holder.query('select pg_advisory_lock(4712)');
  const answering = a.ask({ type: 'react', message_id: id, emoji: THUMB });
  await until('a store waits', async () => {
    const [row] = await system.sql<{ count: string }>(
      `select count(*) from pg_stat_activity where application_name = 'kaha-store'
       and datname = current_database() and wait_event_type = 'Lock'`,
    );
    return Number(row?.count) > 0;
  });
  system.stack.kill('router-1');
  system.stack.kill('router-2');
  await holder.end();
  t.match(await answering, { error: { code: /^(TIMEOUT|MESSAGING_UNAVAILABLE)$/ } });
  await system.sql('drop trigger wait_for_test on reactions');
  await system.stack.start('router-1');
  await system.stack.start('router-2');
  const back = await until('sessions open again', async () =>
    system.connect(bob).catch((error: unknown) => void error),
  );
  t.match(await next(back, 2), { reactions: [{ emoji: THUMB, count: 1, mine: false }] });
  t.match(await next(a, 2), { reactions: [{ emoji: THUMB, count: 1, mine: true }] });
});

/**
 * Sets and takes back reactions in turn. A request that got no answer is sent again, because a
 * repeat changes nothing.
 */
async function toggle(client: Client, message_id: string, rounds: number): Promise<void> {
  for (const round of numbers(1, rounds)) {
    const frame = { type: 'react', message_id, emoji: THUMB, remove: round % 2 === 0 };
    for (;;) {
      const { error } = await client.ask(frame);
      if (error === undefined) break;
      if (error.retry_after === undefined && error.code !== 'TIMEOUT') throw new Error(error.code);
      await delay(Math.max(RETRY_MS, 1_000 * (error.retry_after ?? 0)));
    }
  }
}

t.test('all get every change while routers and stores die', async (t) => {
  const people = await system.people(4);
  const group = await system.conversation(people);
  const clients = await Promise.all(
    people.map((person, index) => system.connectNew(person, { edge: 1 + (index % 2) })),
  );
  const [first] = clients as [Client];
  const id = (await first.post(group, 'x')).data?.message_id as string;
  const toggling = Promise.all(clients.map((client) => toggle(client, id, 61)));
  for (const [name, version] of [
    ['router-1', 40],
    ['store-1', 80],
    ['router-2', 120],
    ['store-2', 160],
  ] as const) {
    await until(`version ${version}`, () => updates(first).some((one) => one.version >= version));
    system.stack.kill(name);
    await system.stack.start(name);
  }
  await toggling;
  const [owner] = people;
  const answer = await system.rest('GET', `/api/v1/messages/${id}`, { token: owner.token });
  const { version, reactions } = answer.body as unknown as Update;
  t.match(reactions, [{ emoji: THUMB, count: 4 }]);
  t.equal(version, 1 + 4 * 61, 'a repeat changes nothing');
  for (const client of clients) {
    const all = () => new Set(updates(client).map((one) => one.version));
    await until('every version has come', () => all().size >= version - 1, OWED_MS);
    t.same(
      [...all()].sort((one, other) => one - other),
      numbers(2, version),
    );
    const last = updates(client).find((one) => one.version === version);
    t.match(last?.reactions, [{ emoji: THUMB, count: 4, mine: true }]);
  }
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
