import t from 'tap';
import { type BusinessId, newId } from '../../../shared/ids.ts';
import { CLOSED, OPEN, setShopStage } from '../stage/shop-stage.ts';
import { append, letter, type StoreParts } from '../stage/store-stage.ts';

const stage = await setShopStage(t);
const { store, sql, set, open, send, take, rowOf, inboxOf, messagesOf, awayOf } = stage;
const others = [stage.openStore(), stage.openStore()];

t.test('messages that come together are one step, and the away message ends them', async (t) => {
  const shop = await open(CLOSED);
  const { id, customer, business_id } = shop;
  const { inbox, entries, participants } = await append(
    store,
    id,
    Array.from({ length: 3 }, () => letter(customer)),
  );
  t.match(inbox, [{ version: 1, change: 'added', record: { last_seq: 4, last_message: {} } }]);
  t.match(inbox?.[0]?.record.last_message, { content: 'We are away', sender_id: business_id });
  const [entry] = entries ?? [];
  t.match(entry, {
    kind: 'message',
    version: participants?.version,
    user_ids: [customer],
    message: {
      seq: 4,
      sender_id: business_id,
      message_type: 'system',
      content: 'We are away',
      metadata: { event: 'away_message' },
      version: 1,
    },
  });
  t.notOk(entry && 'client_msg_id' in entry.message);
  const event_ids = [entry?.event_id as NonNullable<typeof entry>['event_id']];
  const claim = { event_ids, limit: 1, lease_ms: 1_000 };
  const repair = await store.operations['outbox.claim'](claim, 0);
  t.same(repair.entries, [entry], 'a repair brings the same');
  const asked = { user_id: customer, conversation_id: id };
  const { record } = await store.operations['conversations.get'](asked, 0);
  t.match(record, { unread: 1, last_read_seq: 3, last_seq: 4, state: 'waiting' });
  const { messages } = await store.operations['messages.history'](asked, 0);
  t.match(messages[3], { ...entry?.message, sender_id: business_id });
});

t.test('of 20 racing first messages, one opens and one brings the away message', async (t) => {
  for (let round = 0; round < 5; round += 1) {
    const shop = await open(CLOSED);
    const stores = [store, ...others];
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        append(stores[index % 3] as StoreParts, shop.id, [letter(shop.customer)]),
      ),
    );
    t.ok(replies.every(({ results }) => results[0]?.ok));
    const messages = await messagesOf(shop);
    t.same(
      messages.map(({ seq }) => seq),
      Array.from({ length: 21 }, (_, index) => index + 1),
    );
    t.equal(messages.filter(({ message_type: type }) => type === 'system').length, 1);
    t.equal(replies.flatMap(({ entries }) => entries ?? []).length, 1);
    const changes = replies.flatMap(({ inbox }) => inbox ?? []);
    t.equal(changes.filter(({ change }) => change === 'added').length, 1);
    const versions = changes.map(({ version }) => version).sort((one, two) => one - two);
    t.same(
      versions,
      versions.map((_, index) => index + 1),
    );
    t.match(await rowOf(shop), { unanswered_seq: 1, waiting_since: messages[0]?.sent_at });
    t.match(await inboxOf(shop), { version: versions.length });
  }
});

t.test('hours that are edited while customers write bring no second away message', async (t) => {
  const shop = await open(CLOSED);
  const edits = [OPEN, CLOSED, { ...CLOSED, away_message: 'Later' }, CLOSED];
  await Promise.all([
    ...Array.from({ length: 20 }, (_, index) =>
      send(shop, shop.customer, [store, ...others][index % 3]),
    ),
    ...edits.map((settings) => set(shop.business_id, settings)),
  ]);
  await set(shop.business_id, CLOSED);
  await send(shop, shop.customer);
  t.equal((await awayOf(shop)).length, 1);
});

t.test('the time that an away message named holds after the hours were edited', async (t) => {
  const soon = (ms: number) => new Date(Date.now() + ms).toISOString();
  const date = soon(86_400_000).slice(0, 10);
  const shop = await open({ ...CLOSED, exceptions: [{ date, intervals: [['00:00', '24:00']] }] });
  await send(shop, shop.customer);
  t.equal((await rowOf(shop)).away_until, `${date}T00:00:00.000Z`);
  await set(shop.business_id, CLOSED);
  await send(shop, shop.customer);
  t.equal((await awayOf(shop)).length, 1);
  await sql(
    `update conversations set away_until = now() - interval '1 ms'
    where conversation_id = $1`,
    [shop.id],
  );
  await send(shop, shop.customer);
  t.equal((await awayOf(shop)).length, 2, 'the time has passed, and it is closed still');
});

t.test('a business that never opens is silent until an agent has answered', async (t) => {
  const shop = await open(CLOSED);
  const { customer, agent } = shop;
  for (let count = 0; count < 3; count += 1) await send(shop, customer);
  t.equal((await awayOf(shop)).length, 1);
  t.match(await rowOf(shop), { away_until: '9999-12-31T23:59:59.999Z' });
  await take(shop, 'assign');
  await send(shop, agent);
  t.match(await rowOf(shop), { away_until: null });
  await send(shop, customer);
  t.equal((await awayOf(shop)).length, 1, 'the agent wrote a moment ago');
  await sql(
    `update conversations set answered_at = now() - interval '5 minutes'
    where conversation_id = $1`,
    [shop.id],
  );
  await send(shop, customer);
  t.equal((await awayOf(shop)).length, 2);
  t.match(await rowOf(shop), { state: 'assigned', unanswered_seq: 7 }, 'it answers nothing');
});

t.test('an open business sends no away message, and neither does one without a text', async (t) => {
  const { away_message: _text, ...textless } = CLOSED;
  for (const settings of [OPEN, textless, { ...CLOSED, away_message: ' \n\u3000' }]) {
    const shop = await open(settings);
    await send(shop, shop.customer);
    t.same(await awayOf(shop), []);
  }
  const shop = { ...(await open(CLOSED)), business_id: newId<BusinessId>() };
  await sql('update conversations set business_id = $2 where conversation_id = $1', [
    shop.id,
    shop.business_id,
  ]);
  await send(shop, shop.customer);
  t.same(await awayOf(shop), [], 'nothing is set of this business');
});
