import t from 'tap';
import { newId } from '../../../shared/ids.ts';
import type { AppendRow, SealedMessage } from '../append/append-writer.ts';
import { openDatabase } from '../database/database.ts';
import { makeConversation } from '../stage/business-stage.ts';
import { createOutage } from '../stage/outage.ts';
import { setShopStage } from '../stage/shop-stage.ts';
import { append, appendOk, createTalk, letter, silent } from '../stage/store-stage.ts';
import { tellAgain } from './tell-again.ts';

const { url, store, open, send, take } = await setShopStage(t);
const { db, close } = openDatabase({ url, poolMax: 1, logger: silent });
t.teardown(close);

type Found = { status: AppendRow['status']; isOwn: boolean };
const OWN: Found = { status: 'duplicate', isOwn: true };

/** Returns the changes that are told after a try to write into the conversation has met this. */
async function toldAfter({ id }: { id: SealedMessage['conversation_id'] }, found = OWN, at = db) {
  const message = { conversation_id: id, message_id: newId() } as Partial<SealedMessage>;
  const { message_id } = found.isOwn ? message : { message_id: newId() };
  const row = { item: 1, status: found.status, message_id, seq: 1 } as Partial<AppendRow>;
  const deps = { db: at, ciphers: store.ciphers, logger: silent };
  const rows = await tellAgain(deps, [message as SealedMessage], [row as AppendRow]);
  t.match(rows, [row]);
  return rows[0]?.step?.inbox;
}

t.test('the newest change of an inbox is told again as it was told first', async (t) => {
  const shop = await open();
  for (const change of ['added', 'updated']) {
    const { inbox } = await append(store, shop.id, [letter(shop.customer)]);
    const { last_agent_id: _, ...before } = inbox?.[0]?.before ?? {};
    t.match(await toldAfter(shop), [{ ...inbox?.[0], before }], change);
    t.equal(inbox?.[0]?.change, change);
  }
});

t.test('what others have changed since is not told', async (t) => {
  const shop = await open();
  await send(shop, shop.customer);
  await take(shop, 'assign');
  t.equal(await toldAfter(shop), undefined, 'an agent has taken the conversation');
  const other = await makeConversation(store, shop.business_id);
  await appendOk(store, other.id, [letter(other.customer)]);
  t.equal(await toldAfter(shop), undefined, 'another customer has written');
  t.match(await toldAfter(other), [{ change: 'added' }]);
});

t.test('nothing is told of messages that are new or were known before', async (t) => {
  const shop = await open();
  await send(shop, shop.customer);
  t.equal(await toldAfter(shop, { status: 'ok', isOwn: true }), undefined);
  t.equal(await toldAfter(shop, { status: 'duplicate', isOwn: false }), undefined);
  t.equal(await toldAfter(await createTalk(store)), undefined, 'there is no inbox');
  t.equal(await toldAfter({ id: newId() }), undefined, 'there is no conversation');
});

t.test('where the database is away again, the message stays written all the same', async (t) => {
  const shop = await open();
  await send(shop, shop.customer);
  const outage = await createOutage(url);
  const away = openDatabase({ url: outage.url, poolMax: 1, logger: silent });
  t.teardown(away.close);
  await outage.refuse();
  t.equal(await toldAfter(shop, OWN, away.db), undefined);
});
