import t, { type Test } from 'tap';
import { until } from '../../../dev/testing/until.ts';
import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import { type ConversationId, type EventId, newId, type UserId } from '../../../shared/ids.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { setFalseClock } from '../stage/false-clock.ts';
import { setShopStage } from '../stage/shop-stage.ts';
import { appendOk, createGroup, letter, silent } from '../stage/store-stage.ts';
import { openDatabase } from './database.ts';
import { healTimes, watchTimes } from './heal-times.ts';
import { TimesAhead } from './times-ahead.ts';

const stage = await setShopStage(t);
const { store, sql, url } = stage;
const { operations } = store;
const setClock = await setFalseClock(sql);
const { db, close } = openDatabase({ url, poolMax: 2, logger: silent });
t.teardown(close);
t.beforeEach(() => setClock(0));

const MINUTE_MS = 60_000;
const isNow = (time: string | undefined): boolean =>
  Math.abs(Date.parse(time ?? '') - Date.now()) < MINUTE_MS;
const heal = () =>
  healTimes({
    db,
    timesAhead: new TimesAhead({ metrics: createMetrics('t', 't'), logger: silent }),
  });

async function talkOf(me: UserId): Promise<ConversationId> {
  const conversation = { type: 'direct' as const, participant_ids: [newId<UserId>()] };
  const made = await operations['conversations.create']({ user_id: me, conversation }, 0);
  return made.record.conversation_id;
}

async function send(id: ConversationId, user: UserId) {
  const [sent] = await appendOk(store, id, [letter(user)]);
  return sent as NonNullable<typeof sent>;
}

/** Lists in pages of one. */
async function listed(user_id: UserId): Promise<ConversationId[]> {
  const ids: ConversationId[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await operations['conversations.list'](
      { user_id, limit: 1, ...(cursor && { cursor }) },
      0,
    );
    ids.push(...page.records.map(({ conversation_id }) => conversation_id));
    cursor = page.next_cursor;
  } while (cursor);
  return ids;
}

for (const days of [20, 400]) {
  t.test(`after a jump of ${days} days and back, messages have the time of now`, async (t) => {
    const me = newId<UserId>();
    const id = await talkOf(me);
    await setClock(days);
    const ahead = await send(id, me);
    t.ok(Date.parse(ahead.sent_at) - Date.now() > (days - 1) * 24 * 60 * MINUTE_MS);
    await setClock(0);
    const sent = [await send(id, me), ...(await appendOk(store, id, [letter(me), letter(me)]))];
    t.same(
      sent.map(({ seq }) => seq),
      [2, 3, 4],
    );
    t.ok(sent.every(({ sent_at }) => isNow(sent_at)));
    const { messages } = await operations['messages.history'](
      { user_id: me, conversation_id: id },
      0,
    );
    t.same(
      messages.map(({ seq }) => seq),
      [1, 2, 3, 4],
    );
    const since = new Date(Date.now() - MINUTE_MS).toISOString();
    const range = { user_id: me, conversation_id: id, since };
    const page = await operations['messages.history'](range, 0);
    t.same(
      page.messages.map(({ seq }) => seq),
      [1, 2, 3, 4],
      'a page by time has no hole',
    );
  });

  t.test(`what was active ${days} days ahead stays on top of no list`, async (t) => {
    const me = newId<UserId>();
    const [old, silentSince] = [await talkOf(me), await talkOf(me)];
    await setClock(days);
    await send(silentSince, me);
    const made = await talkOf(me);
    await setClock(0);
    t.same((await listed(me)).length, 3);
    const { record } = await operations['conversations.get'](
      { user_id: me, conversation_id: made },
      0,
    );
    t.ok(isNow(record.last_activity) && isNow(record.created_at));
    await send(old, me);
    const list = await listed(me);
    t.equal(list[0], old);
    t.same(new Set(list), new Set([old, silentSince, made]));
    t.equal(list.length, 3);
  });
}

t.test('a page by time begins behind the last message that is older', async (t) => {
  const me = newId<UserId>();
  const id = await talkOf(me);
  await setClock(20);
  await send(id, me);
  await setClock(-1);
  for (let count = 0; count < 3; count += 1) await send(id, me);
  await setClock(0);
  await send(id, me);
  const since = new Date(Date.now() - 2 * MINUTE_MS).toISOString();
  const ask = { user_id: me, conversation_id: id };
  const page = await operations['messages.history']({ ...ask, since }, 0);
  t.same(
    page.messages.map(({ seq }) => seq),
    [5],
  );
});

t.test('a clock that is set back by less than a minute keeps times in order', async (t) => {
  const me = newId<UserId>();
  const id = await talkOf(me);
  await sql(`update false_clock.jump set by = interval '50 seconds'`);
  const first = await send(id, me);
  await setClock(0);
  t.equal((await send(id, me)).sent_at, first.sent_at);
});

t.test('changes of groups and steps of businesses have the time of now too', async (t) => {
  const [ann, bina] = [newId<UserId>(), newId<UserId>()];
  const group = await createGroup(store, [ann, bina]);
  const shop = await stage.open();
  const away = await stage.open({ time_zone: 'UTC', away_message: 'Away', hours: {} });
  await setClock(20);
  await send(group, ann);
  for (const { id, customer } of [shop, away]) await send(id, customer);
  await setClock(0);
  const rename = { op: 'conversations.update', user_id: ann, title: 'New' };
  const command = { ...rename, conversation_id: group } as ConversationCommand;
  await operations['conversations.change'](command, 0);
  await stage.take(shop, 'assign');
  await sql('update conversations set away_until = null where conversation_id = $1', [away.id]);
  await send(away.id, away.customer);
  for (const id of [group, shop.id, away.id]) {
    const rows = await sql<{ sent_at: string }>(
      'select sent_at from messages where conversation_id = $1 order by seq desc limit 1',
      [id],
    );
    t.ok(isNow(rows[0]?.sent_at), `${rows[0]?.sent_at}`);
  }
});

t.test('what is owed since a jump is claimed, also if it was leased then', async (t) => {
  const me = newId<UserId>();
  const id = await talkOf(me);
  await setClock(20);
  const [owed, leased] = [await send(id, me), await send(id, me)];
  const ids = [owed.event_id, leased.event_id];
  await operations['outbox.claim']({ event_ids: [leased.event_id], limit: 1, lease_ms: 60_000 }, 0);
  await setClock(0);
  const claim = async (): Promise<EventId[]> => {
    const { entries } = await operations['outbox.claim']({ limit: 100, lease_ms: 1 }, 0);
    return entries.map(({ event_id }) => event_id).filter((event) => ids.includes(event));
  };
  t.same(await claim(), []);
  await heal();
  await sql(`update outbox set created_at = created_at - interval '6 s'`);
  t.same((await claim()).sort(), ids.sort());
});

t.test('businesses that were looked at during a jump are looked at again', async (t) => {
  const shop = await stage.open();
  await setClock(20);
  await send(shop.id, shop.customer);
  const { claims } = await operations['assignment.claim']({ limit: 100, lease_ms: 60_000 }, 0);
  t.ok(claims.some(({ business_id }) => business_id === shop.business_id));
  await sql(
    `update business_agents set offline_since = pg_catalog.now() + interval '20 days'
      where business_id = $1`,
    [shop.business_id],
  );
  await setClock(0);
  const claimNow = () => operations['assignment.claim']({ limit: 100, lease_ms: 60_000 }, 0);
  t.same((await claimNow()).claims, []);
  await heal();
  const again = (await claimNow()).claims.map(({ business_id }) => business_id);
  t.ok(again.includes(shop.business_id));
  t.ok(isNow((await stage.rowOf(shop)).waiting_since ?? undefined));
  const agents = await sql<{ offline_since: string }>(
    'select offline_since from business_agents where business_id = $1',
    [shop.business_id],
  );
  t.ok(agents.every(({ offline_since }) => Date.parse(offline_since) < Date.now() + MINUTE_MS));
});

t.test('times that are ahead are counted, and logged once', async (t) => {
  const lines: string[] = [];
  const options = { service: 'store', instance: 'store-1', level: 'info', hashKey: 'k' };
  const logger = createLogger(options, { write: (line) => lines.push(line) });
  const metrics = createMetrics('store', 'store-1');
  const timesAhead = new TimesAhead({ metrics, logger });
  const me = newId<UserId>();
  const ids = [await talkOf(me), await talkOf(me)];
  await setClock(20);
  for (const id of ids) await send(id, me);
  await setClock(0);
  await healTimes({ db, timesAhead });
  await healTimes({ db, timesAhead });
  timesAhead.note('message', 0);
  await counted(t, metrics, 'what="outbox"');
  t.equal(lines.length, 1, lines.join(''));
  for (const id of ids) await send(id, me);
  await counted(t, store.metrics, 'what="message"');
});

t.test('a clock of Postgres that differs from the clock of the store is told', async (t) => {
  const lines: string[] = [];
  const options = { service: 'store', instance: 'store-1', level: 'info', hashKey: 'k' };
  const logger = createLogger(options, { write: (line) => lines.push(line) });
  const metrics = createMetrics('store', 'store-1');
  await setClock(20);
  const timesAhead = new TimesAhead({ metrics, logger });
  const watch = watchTimes({ db, timesAhead, metrics, logger });
  await until('it is logged', () => lines.some((line) => line.includes('differs')));
  watch.close();
  const name = 'kaha_store_database_clock_ahead_seconds';
  t.match(await metrics.registry.getSingleMetricAsString(name), / 172[78]\d{3}/);
});

async function counted(t: Test, metrics: typeof store.metrics, label: string): Promise<void> {
  const text = await metrics.registry.getSingleMetricAsString('kaha_store_times_ahead_total');
  const line = text.split('\n').find((one) => one.includes(label)) ?? '';
  t.ok(Number(line.split(' ').at(-1)) >= 2, line);
}
