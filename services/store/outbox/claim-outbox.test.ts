import t from 'tap';
import { type ConversationId, type EventId, newId, type UserId } from '../../../shared/ids.ts';
import { appendOk, createTalk, letter, setStage } from '../stage/store-stage.ts';

const LEASE_MS = 30_000;
const stage = await setStage(t);
const { store, sql } = stage;
const other = stage.open();
t.beforeEach(() => sql('delete from outbox'));

/** Owes the fan-outs of this many messages, and returns their events, the oldest first. */
async function owe(count: number): Promise<{ ids: EventId[]; conversation: ConversationId }> {
  const { id, alice } = await createTalk(store);
  const items = Array.from({ length: count }, () => letter(alice));
  const sent = await appendOk(store, id, items);
  await sql("delete from outbox where kind = 'conversation'");
  await sql("update outbox set created_at = now() - interval '1 h' + seq * interval '1 s'");
  return { ids: sent.map(({ event_id }) => event_id), conversation: id };
}

function claim(limit: number, { operations } = store) {
  return operations['outbox.claim']({ limit, lease_ms: LEASE_MS }, 0);
}

async function claimIds(limit: number, by = store): Promise<EventId[]> {
  return (await claim(limit, by)).entries.map(({ event_id }) => event_id);
}

async function countOf(name: string): Promise<number> {
  const { values } = (await store.metrics.registry.getSingleMetric(name)?.get()) ?? {};
  return values?.[0]?.value ?? 0;
}

t.test('claims take the oldest rows first, and rows whose lease has run out', async (t) => {
  const { ids } = await owe(9);
  t.same(await claimIds(3), ids.slice(0, 3));
  t.same(await claimIds(3, other), ids.slice(3, 6));
  await sql(`update outbox set claimed_until = now() - interval '1 s' where event_id = $1`, [
    ids[1],
  ]);
  t.same(await claimIds(9, other), [ids[1], ...ids.slice(6)]);
  t.same(await claimIds(9), [], 'all are leased');
});

t.test('a claim tells the time of Postgres, by which its rows are old', async (t) => {
  await owe(1);
  const [{ now }] = (await sql('select now() as now')) as [{ now: string }];
  const { claimed_at: claimedAt = '' } = await claim(1);
  t.ok(claimedAt >= now);
  t.equal((await claim(1)).claimed_at, undefined, 'there are no rows');
});

t.test('a claim leaves rows alone that are younger than 5 s', async (t) => {
  const { ids } = await owe(2);
  await sql('update outbox set created_at = now() where seq = 2');
  t.same(await claimIds(9), ids.slice(0, 1));
  const named = { event_ids: ids, limit: 9, lease_ms: LEASE_MS };
  const { entries } = await store.operations['outbox.claim'](named, 0);
  t.same(entries.map(({ event_id }) => event_id).join(), ids[1], 'unless it is named');
});

t.test('two stores that claim at once share the rows', async (t) => {
  const { ids } = await owe(400);
  const claims = Array.from({ length: 8 }, (_, index) => claimIds(50, index % 2 ? store : other));
  const claimed = (await Promise.all(claims)).flat();
  t.equal(new Set(claimed).size, claimed.length, 'no row is claimed twice');
  for (let more = await claimIds(99); more.length > 0; more = await claimIds(99)) {
    claimed.push(...more);
  }
  t.same(new Set(claimed), new Set(ids), 'and none is left');
});

t.test('a row that cannot be read costs only itself, is counted, and stays', async (t) => {
  const { ids } = await owe(200);
  const bad = ids[77] as string;
  await sql(`update messages set content = '\\x00' where message_id = $1`, [bad]);
  const before = await countOf('kaha_outbox_unreadable_total');
  const claimed = await claimIds(200);
  t.same(claimed, ids.toSpliced(77, 1));
  t.equal((await countOf('kaha_outbox_unreadable_total')) - before, 1);
  const [row] = await sql<{ lease_s: number }>(
    `select extract(epoch from claimed_until - now())::float8 as lease_s from outbox
      where event_id = $1`,
    [bad],
  );
  t.ok(row !== undefined && row.lease_s > 500 && row.lease_s <= 600, 'it is tried in 10 minutes');
});

t.test('a row that names no message although its kind tells of one is kept', async (t) => {
  const { ids } = await owe(2);
  await sql('update outbox set seq = null where event_id = $1', [ids[0]]);
  const before = await countOf('kaha_outbox_unreadable_total');
  t.same(await claimIds(9), ids.slice(1));
  t.equal((await countOf('kaha_outbox_unreadable_total')) - before, 1);
  t.match(await sql('select event_id from outbox where seq is null'), [{ event_id: ids[0] }]);
});

t.test('a row whose message is gone is deleted and counted', async (t) => {
  const { ids } = await owe(3);
  await sql('delete from messages where message_id = $1', [ids[1]]);
  const before = await countOf('kaha_outbox_void_total');
  t.same(await claimIds(9), [ids[0], ids[2]]);
  t.equal((await countOf('kaha_outbox_void_total')) - before, 1);
  t.same(await sql('select from outbox where event_id = $1', [ids[1]]), []);
});

t.test('a row on which a whole statement fails costs only itself', async (t) => {
  const { ids } = await owe(100);
  const { ids: bad, conversation } = await owe(1);
  // No client of Postgres can read this time, so the statement fails that reads conversations.
  await sql(`update conversations set created_at = 'infinity' where conversation_id = $1`, [
    conversation,
  ]);
  const claimed: EventId[] = [];
  for (let more = await claimIds(101); more.length > 0; more = await claimIds(101)) {
    claimed.push(...more);
  }
  t.same(new Set(claimed), new Set(ids));
  t.match(await sql(`select event_id from outbox where claimed_until > now() + interval '5 min'`), [
    { event_id: bad[0] },
  ]);
});

t.test('a claim that takes too long lets the next ones be smaller', async (t) => {
  const { ids } = await owe(200);
  await sql(`create function sleep() returns trigger language plpgsql as
    'begin perform pg_sleep(0.009); return new; end'`);
  await sql('create trigger slow before update on outbox for each row execute function sleep()');
  const slow = stage.open();
  await t.rejects(claim(200, slow), /timeout/);
  const claimed = await claimIds(200, slow);
  await sql('drop trigger slow on outbox');
  t.same(claimed, ids.slice(0, 100));
  t.same(await claimIds(200, slow), ids.slice(100), 'and then larger again');
});

t.test('rows that are owed to users come before any that only the feed lacks', async (t) => {
  const { ids } = await owe(2);
  const [first, second] = ids as [EventId, EventId];
  await sql(
    `insert into outbox (event_id, conversation_id, kind, seq, created_at, missed)
      select gen_random_uuid(), conversation_id, kind, seq, created_at - interval '1 h', '{}'
      from outbox, generate_series(1, 5000) where event_id = $1`,
    [first],
  );
  await sql('update outbox set created_at = now() where event_id = $1', [second]);
  const claimed = await claimIds(200);
  t.equal(claimed[0], first);
  await sql(`update outbox set created_at = now() - interval '6 s' where event_id = $1`, [second]);
  const next = await claimIds(200);
  t.equal(next[0], second);
  claimed.push(...next);
  for (let more = await claimIds(200); more.length > 0; more = await claimIds(200)) {
    t.ok(
      more.length === 200 || claimed.length > 4_800,
      'a claim is full as long as there are rows',
    );
    claimed.push(...more);
  }
  t.equal(new Set(claimed).size, 5_002, 'each row is claimed once');
  t.equal(claimed.length, 5_002);
});

t.test('what a fan-out has missed comes back with the next claim', async (t) => {
  const { ids } = await owe(4);
  const [first, second, third, fourth] = ids as [EventId, EventId, EventId, EventId];
  const [one, two] = [newId<UserId>(), newId<UserId>()];
  const note = (event_id: EventId, missed: UserId[] | null, is_fed: boolean) => {
    return { event_id, missed, is_fed };
  };
  const items = [
    note(second, [], true),
    note(first, [one, two], false),
    note(third, [one], false),
    note(newId(), [one], false),
    note(third, null, true),
  ];
  t.same(await store.operations['outbox.missed']({ items }, 0), { written: 3 });
  const { entries } = await claim(9, stage.open());
  t.same(
    entries.map(({ event_id, missed, is_fed }) => [event_id, missed, is_fed]),
    [
      [first, [one, two], undefined],
      [third, undefined, true],
      [fourth, undefined, undefined],
      [second, [], true],
    ],
  );
});

t.test('notes of the same rows in any order, beside deletes, neither lock nor fail', async (t) => {
  const { ids } = await owe(100);
  const notes = Array.from({ length: 20 }, (_, index) => {
    const order = index % 2 ? ids : ids.toReversed();
    const items = order.map((event_id) => ({ event_id, missed: [], is_fed: false }));
    return (index % 3 ? store : other).operations['outbox.missed']({ items }, 0);
  });
  const deletes = [ids.slice(0, 50).toReversed(), ids.slice(25)].map((event_ids) =>
    store.operations['outbox.done']({ event_ids }, 0),
  );
  await Promise.all<unknown>([...notes, ...deletes]);
  t.same(await sql('select from outbox'), []);
});

t.test('more than 500 notes in one request are refused', async (t) => {
  const items = Array.from({ length: 501 }, () => {
    return { event_id: newId<EventId>(), missed: null, is_fed: false };
  });
  await t.rejects(store.operations['outbox.missed']({ items }, 0), { code: 'INVALID_REQUEST' });
});
