import pg from 'pg';
import t from 'tap';
import { until } from '../dev/testing/until.ts';
import type { Client, Frame, MessageEvent } from './stage/client.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { type Person, setStack } from './stage/stack.ts';

const system = await setStack(t, { edges: 2, routers: 1, stores: 1 });
const API = '/api/v1/conversations';
/** Routers look every 2-3 s for fan-outs that are owed for more than 5 s after the commit. */
const OWED_MS = 45_000;
const ROUNDS = 8;

type View = { version: number; participants: { user_id: string }[] };

const callAs =
  ({ token }: Person, method: string) =>
  (path: string, body?: unknown) =>
    system.rest(method, `${API}/${path}`, { token, body });
const viewsOf = ({ received }: Client): View[] =>
  received.filter(({ type }) => type === 'conversation').map((frame) => frame.conversation as View);
const isChange = (change: string) => (frame: Frame) =>
  frame.type === 'conversation' && frame.change === change;
const isIn = ({ participants }: View, { id }: Person): boolean =>
  participants.some(({ user_id }) => user_id === id);

async function group(count: number) {
  const people: Person[] = await system.people(count);
  const [admin, ...others] = people as [Person, ...Person[]];
  const body = { type: 'group', participant_ids: others.map(({ id }) => id) };
  const made = await system.rest('POST', API, { token: admin.token, body });
  const id = made.body.conversation_id as string;
  system.canaries.add(id);
  const devices = await Promise.all(people.map((person) => system.connectNew(person)));
  return { id, people, devices, admin };
}

/** Makes each transaction that writes an outbox row wait at its commit until `release`. */
async function holdCommits() {
  await system.sql(`create or replace function wait_for_test() returns trigger
    language plpgsql as $$ begin perform pg_advisory_xact_lock_shared(4711); return null; end $$`);
  await system.sql(`create constraint trigger wait_for_test after insert on outbox
    deferrable initially deferred for each row execute function wait_for_test()`);
  const client = new pg.Client({ connectionString: system.stack.urls.database });
  await client.connect();
  await client.query('select pg_advisory_lock(4711)');
  const waiting = async (): Promise<number> => {
    const [row] = await system.sql<{ count: string }>(
      `select count(*) from pg_stat_activity where application_name = 'kaha-store'
       and datname = current_database() and wait_event_type = 'Lock'`,
    );
    return Number(row?.count);
  };
  return {
    someWait: () => until('a store waits', async () => (await waiting()) > 0),
    async release() {
      await client.end();
      await until('no store waits any more', async () => (await waiting()) === 0);
      await system.sql('drop trigger wait_for_test on outbox');
    },
  };
}

t.test('after an add and a removal at once, both users see the state of the server', async (t) => {
  const { id, devices, admin } = await group(3);
  const eve = await system.person();
  const e = await system.connectNew(eve, { edge: 2 });
  const [a] = devices as [Client];
  for (const round of numbers(1, ROUNDS)) {
    const [added, removed] = await Promise.all([
      callAs(admin, 'POST')(`${id}/participants`, { user_ids: [eve.id] }),
      callAs(admin, 'DELETE')(`${id}/participants/${eve.id}`),
    ]);
    t.equal(added.status, 200, `round ${round}`);
    t.ok([204, 404].includes(removed.status), `${removed.status}`);
  }
  const { body } = await callAs(admin, 'GET')(id);
  const settled = body as unknown as View;
  const isThere = isIn(settled, eve);
  const isSettled = (device: Client) => () =>
    viewsOf(device).some(({ version }) => version === settled.version);
  await until('both devices have the last version', () => isSettled(a)() && isSettled(e)());
  const byVersion = viewsOf(e).sort((one, other) => one.version - other.version);
  t.equal(isIn(byVersion.at(-1) as View, eve), isThere);
  t.equal(
    new Set(byVersion.map(({ version }) => version)).size,
    byVersion.length,
    'no version comes twice',
  );
  const history = await system.history(admin, id);
  t.same(seqsOf(history), numbers(1, history.length));
  t.equal((await callAs(eve, 'GET')(id)).status, isThere ? 200 : 403);
});

t.test('adds that race for the eighth place fill it once', async (t) => {
  const { id, people, admin } = await group(7);
  const strangers = await system.people(4);
  const answers = await Promise.all(
    strangers.map((one) => callAs(admin, 'POST')(`${id}/participants`, { user_ids: [one.id] })),
  );
  t.same(answers.map(({ status }) => status).sort(), [200, 409, 409, 409]);
  const { body } = await callAs(people[3] as Person, 'GET')(id);
  t.equal((body as unknown as View).participants.length, 8);
});

t.test('all are told of a removal whose router dies, and the removed one once', async (t) => {
  const { id, people, devices, admin } = await group(3);
  const [a, b, c] = devices as [Client, Client, Client];
  const gone = people[2] as Person;
  await a.post(id, 'before');
  for (const device of devices) await device.messages(1);
  await until('nothing is owed', async () => (await system.sql('select from outbox')).length === 0);
  const commits = await holdCommits();
  const answering = callAs(admin, 'DELETE')(`${id}/participants/${gone.id}`);
  await commits.someWait();
  system.stack.kill('router-1');
  await commits.release();
  t.ok((await answering).status >= 500, 'the answer says that the outcome is unknown');
  await system.stack.start('router-1');
  const changed = await until('a router is there', async () => {
    const answer = await callAs(admin, 'PATCH')(id, { title: 'After' });
    return answer.status === 200 && answer;
  });
  t.match(changed.body, { title: 'After', version: 3, participants: { length: 2 } });
  const farewell = await c.next(isChange('participants'), OWED_MS);
  t.match(farewell, { conversation: { version: 2, participants: { length: 2 }, last_seq: 1 } });
  for (const device of [a, b]) {
    await device.next(isChange('participants'), OWED_MS);
    const events = (await device.messages(3)).map(({ metadata }) => metadata);
    t.match(
      new Set(events.flatMap((one) => (one as { event?: string } | undefined)?.event ?? [])),
      new Set(['participant_removed', 'title_changed']),
    );
  }
  await c.settled();
  t.equal(viewsOf(c).length, 1);
  t.same(
    c.messageEvents.map(({ content }: MessageEvent) => content),
    ['before'],
  );
});

t.test('what one device does shows in order on another device that was away', async (t) => {
  const { id, people, devices } = await group(3);
  const [, bob] = people as [Person, Person];
  const [a, b] = devices as [Client, Client];
  const tablet = await system.connectNew(bob, { device: 'tablet', edge: 2 });
  await tablet.settled();
  await tablet.close();
  await callAs(bob, 'PUT')(`${id}/mute`, {});
  await b.next(isChange('updated'));
  await callAs(bob, 'DELETE')(id);
  await b.post(id, 'back');
  await callAs(bob, 'DELETE')(`${id}/participants/${bob.id}`);
  await a.post(id, 'without him');
  const back = await system.connect(bob, { device: 'tablet', edge: 2 });
  await back.next(isChange('participants'));
  await back.settled();
  const came = back.received.filter(({ q }) => q !== undefined);
  t.match(came, [
    { change: 'updated', conversation: { is_muted: true } },
    { change: 'archived', conversation: { archived_at: String } },
    { type: 'message', content: 'back' },
    { change: 'participants', conversation: { participants: { length: 2 } } },
  ]);
  t.equal(came.length, 4);
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
