import t from 'tap';
import type { EventsRange, FeedEvent } from '../../../shared/contracts/feed.ts';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import { type ConversationId, type EventId, newId, type UserId } from '../../../shared/ids.ts';
import { appendOk, createGroup, createTalk, letter, setStage } from '../stage/store-stage.ts';

const stage = await setStage(t);
const { store, sql } = stage;
const { operations } = store;
const users = (count: number): UserId[] => Array.from({ length: count }, () => newId<UserId>());

async function now(): Promise<string> {
  const [row] = await sql<{ at: string }>('select clock_timestamp()::timestamptz(3) as at');
  return (row as { at: string }).at;
}

/** Reads all pages of a range. */
async function read(range: EventsRange): Promise<FeedEvent[]> {
  const events: FeedEvent[] = [];
  let cursor: string | null = null;
  do {
    const page = await operations['events.between']({ ...range, ...(cursor && { cursor }) }, 0);
    t.ok(page.events.length <= (range.limit ?? 500));
    t.ok(Buffer.byteLength(JSON.stringify(page)) < 520 * 1024);
    events.push(...page.events);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return events;
}

/** The range ends after whatever happens in a test. */
const later = (): string => new Date(Date.now() + 60_000).toISOString();

const recipientsOf = ({ recipients }: FeedEvent) =>
  new Set(recipients.map(({ user_id }) => user_id));

/** Makes changes of every kind in a group. The result has the entries that the router got. */
async function live(group: ConversationId, [ann, bob, carl]: [UserId, UserId, UserId]) {
  const entries: (OutboxEntry | undefined)[] = [];
  const change = async (command: object): Promise<void> => {
    const changed = await operations['conversations.change'](
      { conversation_id: group, user_id: ann, ...command } as never,
      0,
    );
    entries.push(...changed.entries);
  };
  const sent = await appendOk(store, group, [letter(ann), letter(bob), letter(ann)]);
  const targetOf = async (index: number) => {
    const { message_id } = sent[index] as (typeof sent)[number];
    const named = { user_id: ann, message_id };
    return { ...named, place: await operations['messages.locate'](named, 0) };
  };
  const edited = { ...(await targetOf(0)), content: 'other words' };
  entries.push((await operations['messages.edit'](edited, 0)).entry);
  const reaction = { ...(await targetOf(1)), emoji: '👍' };
  entries.push((await operations['messages.react'](reaction, 0)).entry);
  await change({ op: 'conversations.update', title: 'A title' });
  await change({ op: 'conversations.remove', participant_id: carl });
  entries.push((await operations['messages.delete'](await targetOf(2), 0)).entry);
  await change({ op: 'conversations.archive' });
  return { entries: entries.filter((entry) => entry !== undefined), sent };
}

t.test('every durable event is told once, with its time and those who get it', async (t) => {
  const from = await now();
  const [ann, bob, carl] = users(3) as [UserId, UserId, UserId];
  const group = await createGroup(store, [ann, bob, carl]);
  const { entries, sent } = await live(group, [ann, bob, carl]);
  const events = await read({ from, until: later() });
  t.same(
    new Set(events.map(({ event_id }) => event_id)),
    new Set(
      (await sql<{ event_id: EventId }>('select event_id from outbox')).map((o) => o.event_id),
    ),
    'just what is owed',
  );
  t.equal(events.length, entries.length + sent.length + 1);
  const times = events.map(({ at }) => at);
  t.same(times, [...times].sort(), 'in order');
  const byId = new Map(events.map((event) => [event.event_id, event]));
  for (const { event_id, kind, at, user_ids, closes_membership: isLast } of entries) {
    const event = byId.get(event_id);
    t.match(event, { kind, at, conversation_id: group });
    const still = user_ids.filter((userId) => isLast || userId !== carl);
    t.same(event && recipientsOf(event), new Set(still), `${event?.kind} ${event?.change}`);
  }
  const ofConversation = entries.filter(({ kind }) => kind === 'conversation');
  t.ok(ofConversation.length > 3);
  for (const { event_id, version, closes_membership: isLast } of ofConversation) {
    const told = byId.get(event_id)?.version;
    t.ok(told !== undefined && version !== undefined && told >= version, 'as it is now');
    if (isLast) t.equal(told, version, 'as it was when the user left');
  }
  for (const { event_id, seq, sent_at } of sent) {
    const event = byId.get(event_id);
    t.match(event, { kind: 'message', at: sent_at, seq, sender_id: String });
    t.same(event && recipientsOf(event), new Set([ann, bob]), 'carl has left since');
  }
  t.notOk(JSON.stringify(events).includes('words'), 'nothing of the content');
  const changes = events.flatMap(({ kind, change }) => (kind === 'message_updated' ? change : []));
  t.same(changes, ['edited', 'reactions', 'deleted']);
});

t.test('a removed user is told of nothing but the removal', async (t) => {
  const [ann, bob, carl] = users(3) as [UserId, UserId, UserId];
  const group = await createGroup(store, [ann, bob, carl]);
  const from = await now();
  await live(group, [ann, bob, carl]);
  const events = await read({ from, until: later() });
  const his = events.filter((event) => recipientsOf(event).has(carl));
  t.match(his, [{ kind: 'conversation', change: 'participants', version: Number }]);
  t.equal(his.length, 1);
});

t.test('the log keeps nothing of a removal but ids and the version', async (t) => {
  const [ann, bob] = users(2) as [UserId, UserId];
  const group = await createGroup(store, [ann, bob]);
  const change = (command: object) =>
    operations['conversations.change'](
      { conversation_id: group, user_id: ann, ...command } as never,
      0,
    );
  await change({ op: 'conversations.update', title: 'A title to forget' });
  await change({ op: 'conversations.remove', participant_id: bob });
  const payloadsOf = (table: string) =>
    sql<{ payload: object }>(
      `select payload from ${table} where conversation_id = $1 and payload ? 'left'`,
      [group],
    );
  const [owed] = await payloadsOf('outbox');
  t.match(owed?.payload, { left: { title: 'A title to forget', version: 3 } });
  const left = { version: 3, participants: [] };
  t.same(await payloadsOf('event_log'), [{ payload: { ...owed?.payload, left } }]);
});

t.test('pages of any size tell the same, and a range has no end in it', async (t) => {
  const { id, alice } = await createTalk(store);
  const from = await now();
  await appendOk(
    store,
    id,
    Array.from({ length: 40 }, () => letter(alice)),
  );
  // Many events have one time, so a page ends between two of the same time.
  await sql(`update messages set sent_at = $2 where conversation_id = $1`, [id, from]);
  const until = later();
  const all = await read({ from, until });
  t.equal(new Set(all.map(({ event_id }) => event_id)).size, 40);
  for (const limit of [1, 7, 39, 40]) t.same(await read({ from, until, limit }), all);
  t.same(await read({ from, until: from }), []);
  t.same(await read({ from: until, until: from }), []);
});

t.test('a page of many recipients is cut to 512 KiB, and the next goes on there', async (t) => {
  const [ann, bob] = users(2) as [UserId, UserId];
  const group = await createGroup(store, [ann, bob]);
  // So many cannot be added today; the page must be bounded all the same.
  await sql(
    `insert into participants (conversation_id, user_id, role, joined_at)
      select $1, gen_random_uuid(), 'member', now() from generate_series(1, 98)`,
    [group],
  );
  const from = await now();
  const sent: EventId[] = [];
  for (let batch = 0; batch < 3; batch += 1) {
    const items = Array.from({ length: 100 }, () => letter(ann));
    sent.push(...(await appendOk(store, group, items)).map(({ event_id }) => event_id));
  }
  // Events of one time lie on both sides of the cut.
  await sql(`update messages set sent_at = $2 where conversation_id = $1`, [group, from]);
  const events = await read({ from, until: later() });
  t.equal(events.length, 300);
  t.same(new Set(events.map(({ event_id }) => event_id)), new Set(sent));
});

t.test('an event whose transaction was rolled back is not told', async (t) => {
  const { id, alice } = await createTalk(store);
  const from = await now();
  await sql(`create function fail() returns trigger language plpgsql as
    'begin raise exception ''no''; end'`);
  await sql(`create constraint trigger fail after insert on outbox deferrable initially deferred
    for each row execute function fail()`);
  await t.rejects(appendOk(store, id, [letter(alice)]));
  await t.rejects(createTalk(store));
  await sql('drop trigger fail on outbox');
  t.same(await read({ from, until: later() }), []);
});

t.test('a row of the log that cannot be read costs only itself', async (t) => {
  const from = await now();
  await createTalk(store);
  await sql(`update event_log set kind = 'unheard_of' where at >= $1`, [from]);
  const { id, alice } = await createTalk(store);
  await appendOk(store, id, [letter(alice)]);
  const events = await read({ from, until: later() });
  t.match(events.map(({ kind }) => kind).sort(), ['conversation', 'message']);
});

t.test('a page that finds nothing for long is empty and goes on', async (t) => {
  const { id, alice } = await createTalk(store);
  const [sent] = await appendOk(store, id, [letter(alice)]);
  const from = new Date(Date.now() - 400 * 86_400_000).toISOString();
  const first = await operations['events.between']({ from, until: later() }, 0);
  t.same(first.events, []);
  t.type(first.next_cursor, 'string');
  const at = String(sent?.sent_at);
  const until = new Date(Date.parse(at) + 1).toISOString();
  const events = await read({ from: at, until });
  t.equal(events.at(-1)?.event_id, sent?.event_id);
});

t.test('what is no range is refused', async (t) => {
  const range = { from: await now(), until: later() };
  const bad = [
    { ...range, from: 'yesterday' },
    { ...range, until: '2026-02-30' },
    { ...range, limit: 0 },
    { ...range, limit: 501 },
    { ...range, cursor: 'x' },
  ];
  for (const one of bad) {
    await t.rejects(operations['events.between'](one, 0), { code: 'INVALID_REQUEST' });
  }
});

t.test('events are forgotten after 8 days, in batches', async (t) => {
  await sql('delete from event_log');
  for (let made = 0; made < 5; made += 1) await createTalk(store);
  t.same(await operations['events.prune']({ limit: 9 }, 0), { deleted: 0 });
  await sql(`update event_log set at = now() - interval '8 days 1 s'
    where event_id in (select event_id from event_log limit 4)`);
  t.same(await operations['events.prune']({ limit: 3 }, 0), { deleted: 3 });
  t.same(await operations['events.prune']({ limit: 3 }, 0), { deleted: 1 });
  t.equal((await sql('select from event_log')).length, 1);
});
