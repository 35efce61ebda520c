import pg from 'pg';
import t, { type Test } from 'tap';
import { type BusinessId, type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { makeConversation } from '../stage/business-stage.ts';
import { setShopStage } from '../stage/shop-stage.ts';
import { append, codeOf, letter } from '../stage/store-stage.ts';
import { BUSINESS_PENDING_MAX } from './business-sends.ts';

const { url, store, sql, open, send } = await setShopStage(t);
type Shop = Awaited<ReturnType<typeof open>>;
type Customer = { id: ConversationId; customer: UserId };
/** Store refuses a send that waits for a lock for so long, which it does on a busy machine. */
const LOCKED_MS = 1_000;

/** Until `release` is called, no message is written that changes the inbox. */
async function lockInbox(t: Test, { business_id }: Shop) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  t.teardown(() => client.end());
  await client.query('begin');
  await client.query('select from business_inboxes where business_id = $1 for update', [
    business_id,
  ]);
  return { release: () => client.query('rollback') };
}

/** The shop has an inbox, and these further customers have written nothing yet. */
async function crowd(shop: Shop, count: number): Promise<Customer[]> {
  await send(shop, shop.customer);
  const each = Array.from({ length: count }, () => makeConversation(store, shop.business_id));
  return Promise.all(each);
}

async function sendAs({ id, customer }: Customer, business_id?: BusinessId, content = 'hello') {
  const items = [letter(customer, content)];
  const request = { conversation_id: id, items, ...(business_id && { business_id }) };
  const { results } = await store.operations['messages.append'](request, steadyMs() + 5_000);
  return results[0];
}

t.test('a business whose inbox is locked delays neither other businesses nor reads', async (t) => {
  const [busy, calm] = [await open(), await open()];
  const customers = await crowd(busy, 12);
  const { release } = await lockInbox(t, busy);
  const settled: { code: string | undefined; waitedMs: number }[] = [];
  const sends = customers.map(async (customer, index) => {
    const sentAt = performance.now();
    const result = await sendAs(customer, index % 2 === 0 ? busy.business_id : undefined);
    settled.push({ code: codeOf(result), waitedMs: performance.now() - sentAt });
  });
  for (let round = 0; round < 5; round += 1) await send(calm, calm.customer);
  const reads = Array.from({ length: 8 }, () =>
    store.operations['conversations.get'](
      { user_id: calm.customer, conversation_id: calm.id },
      steadyMs() + 5_000,
    ),
  );
  t.match((await Promise.all(reads))[7], { record: { last_seq: 5 } });
  const refused = settled.length;
  t.same(
    settled.filter(({ code, waitedMs }) => code !== 'DATABASE_UNAVAILABLE' || waitedMs < LOCKED_MS),
    [],
    'all sends to the busy one wait still, but for those that have waited for a second',
  );
  await release();
  await Promise.all(sends);
  const codes = settled.slice(refused).map(({ code }) => code);
  t.same(codes, Array(12 - refused).fill(undefined), 'and are written once the inbox is free');
});

t.test(
  'beyond its bound in count, a business alone is refused, at once and for a while',
  async (t) => {
    const [busy, calm] = [await open(), await open()];
    const [customer] = (await crowd(busy, 1)) as [Customer];
    const { release } = await lockInbox(t, busy);
    const sends = Array.from({ length: BUSINESS_PENDING_MAX.count }, () =>
      sendAs(customer, busy.business_id),
    );
    t.match(await sendAs(customer, busy.business_id), {
      ok: false,
      error: { code: 'DATABASE_UNAVAILABLE', retry_after: Number },
    });
    t.equal(store.businessSends.pending, BUSINESS_PENDING_MAX.count, 'the others still wait');
    await send(calm, calm.customer);
    await release();
    const codes = (await Promise.all(sends)).map(codeOf);
    t.same(codes, Array(sends.length).fill(undefined), 'no send that was taken is lost');
    await store.businessSends.idle();
    t.equal(store.businessSends.pending, 0);
    t.match(await sendAs(customer, busy.business_id), { ok: true }, 'there is room again');
  },
);

t.test('beyond its bound in bytes, a business is refused as well', async (t) => {
  const busy = await open();
  const [customer] = (await crowd(busy, 1)) as [Customer];
  const { release } = await lockInbox(t, busy);
  const content = 'x'.repeat(BUSINESS_PENDING_MAX.bytes / 10);
  const sends = Array.from({ length: 11 }, () => sendAs(customer, busy.business_id, content));
  const refused = (await Promise.all(sends.slice(9))).map(codeOf);
  t.same(refused, Array(2).fill('DATABASE_UNAVAILABLE'));
  t.equal(store.businessSends.pending, 9);
  t.match(await sendAs(customer, busy.business_id, 'x'.repeat(1_000_000)), { ok: false });
  const small = sendAs(customer, busy.business_id);
  await release();
  const codes = (await Promise.all([...sends.slice(0, 9), small])).map(codeOf);
  t.same(codes, Array(10).fill(undefined), 'a smaller one had room');
});

t.test('while nobody knows the business of a conversation, store finds it', async (t) => {
  const shop = await open();
  const { results } = await append(store, shop.id, [letter(shop.customer), letter(shop.customer)]);
  t.same(results.map(codeOf), [undefined, undefined]);
  const request = { conversation_id: shop.id, items: [letter(shop.customer)] };
  const asked = store.operations['messages.append'](
    { ...request, needs_participants: true },
    steadyMs() + 5_000,
  );
  const { participants } = await asked;
  t.match(participants, { type: 'business', business_id: shop.business_id });
  const unknown = { id: newId<ConversationId>(), customer: shop.customer };
  t.equal(codeOf(await sendAs(unknown)), 'CONVERSATION_NOT_FOUND');
  t.equal((await sql('select from messages where conversation_id = $1', [shop.id])).length, 3);
});
