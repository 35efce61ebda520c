import t from 'tap';
import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import { type ConversationId, type EventId, newId, type UserId } from '../../../shared/ids.ts';
import { openDatabase } from '../database/database.ts';
import { appendOk, createGroup, letter, setStage, silent } from '../stage/store-stage.ts';
import { loadOutboxEntries } from './outbox-entries.ts';
import type { OwedRow } from './to-entry.ts';

const { store, sql, url } = await setStage(t);
const { db, close } = openDatabase({ url, poolMax: 2, logger: silent });
t.teardown(close);
const { operations } = store;

const BROKEN = Buffer.from('not encrypted');

async function owedIn(...ids: ConversationId[]): Promise<OwedRow[]> {
  const text = 'select * from outbox where conversation_id = any($1) order by created_at, seq';
  return sql<OwedRow>(text, [ids]);
}

/** Makes a group whose outbox rows are those of its messages alone. */
async function talk(): Promise<{ id: ConversationId; ann: UserId }> {
  const ann = newId<UserId>();
  const id = await createGroup(store, [ann, newId<UserId>()]);
  await sql('delete from outbox where conversation_id = $1', [id]);
  return { id, ann };
}

const idsOf = (rows: { event_id: EventId }[]): EventId[] => rows.map(({ event_id }) => event_id);
const load = (rows: OwedRow[]) => loadOutboxEntries({ db, ciphers: store.ciphers }, rows);

t.test('a message that cannot be decrypted costs only itself', async (t) => {
  const { id, ann } = await talk();
  const [first] = await appendOk(store, id, [letter(ann, 'to be broken')]);
  const [second] = await appendOk(store, id, [letter(ann, 'the second')]);
  const replies = [first, second].map((sent) => {
    return { ...letter(ann, 'a reply'), reply_to: sent?.message_id as never };
  });
  await appendOk(store, id, replies);
  await sql('update messages set content = $1 where message_id = $2', [BROKEN, first?.message_id]);
  const [broken, good, replyToBroken, replyToGood] = await owedIn(id);
  const other = await talk();
  await appendOk(store, other.id, [letter(other.ann, 'of another conversation')]);
  const rows = [broken, good, replyToBroken, replyToGood, ...(await owedIn(other.id))];
  const loaded = await load(rows as OwedRow[]);
  t.same(loaded.unreadable, [broken?.event_id]);
  t.match(loaded.entries, [
    { event_id: good?.event_id, message: { content: 'the second' } },
    {
      event_id: replyToBroken?.event_id,
      message: { content: 'a reply', reply_to: { content: '' } },
    },
    { event_id: replyToGood?.event_id, message: { reply_to: { content: 'the second' } } },
    { message: { content: 'of another conversation' } },
  ]);
  t.same(loaded.gone, []);
});

t.test('a last message that cannot be decrypted costs its own event alone', async (t) => {
  const { id, ann } = await talk();
  const other = await talk();
  for (const { id: conversation_id, ann: user_id } of [{ id, ann }, other]) {
    const command = { op: 'conversations.mute', user_id, conversation_id } as const;
    await operations['conversations.change'](command as ConversationCommand, 0);
  }
  const [sent] = await appendOk(store, id, [letter(ann)]);
  await sql('update messages set content = $1 where message_id = $2', [BROKEN, sent?.message_id]);
  const [change, message] = await owedIn(id);
  const rest = await owedIn(other.id);
  const loaded = await load([change as OwedRow, ...rest]);
  t.same(loaded.unreadable, []);
  t.same(idsOf(loaded.entries), [change?.event_id, ...idsOf(rest)]);
  t.same((await load([message as OwedRow])).unreadable, [message?.event_id]);
});

t.test('a row of an unknown kind or a malformed payload costs only itself', async (t) => {
  const { id, ann } = await talk();
  await appendOk(store, id, [letter(ann)]);
  const [good] = (await owedIn(id)) as [OwedRow];
  const event_id = newId<EventId>();
  const bad: object[] = [
    { kind: 'unheard_of' },
    { kind: 'toString' },
    { kind: 'message', payload: {} },
    { kind: 'message', seq: null },
    { kind: 'message_updated', payload: null },
    { kind: 'message_updated', payload: { change: 'edited', version: '2' } },
    { kind: 'conversation', payload: null },
    { kind: 'conversation', payload: { change: 'unheard of' } },
    { kind: 'conversation', payload: { change: 'participants', left: {} } },
  ];
  for (const row of bad) {
    const loaded = await load([{ ...good, event_id, ...row } as OwedRow, good]);
    t.same(loaded.unreadable, [event_id], JSON.stringify(row));
    t.same(idsOf(loaded.entries), [good.event_id]);
  }
});

t.test('a row whose message or conversation is gone is gone, and readable', async (t) => {
  const { id, ann } = await talk();
  await appendOk(store, id, [letter(ann)]);
  const [row] = (await owedIn(id)) as [OwedRow];
  const gone = [
    { ...row, event_id: newId<EventId>(), seq: 99 },
    { ...row, event_id: newId<EventId>(), conversation_id: newId<ConversationId>() },
  ];
  const loaded = await load([...gone, row]);
  t.same([loaded.gone, loaded.unreadable], [idsOf(gone), []]);
  t.same(idsOf(loaded.entries), [row.event_id]);
});

t.test('a repair tells the same of a user who leaves, and that the membership ends', async (t) => {
  const [ann, bina, carl] = [newId<UserId>(), newId<UserId>(), newId<UserId>()];
  const id = await createGroup(store, [ann, bina, carl]);
  await sql('delete from outbox where conversation_id = $1', [id]);
  const removal = { op: 'conversations.remove', user_id: ann, participant_id: carl } as const;
  const command = { ...removal, conversation_id: id };
  const { entries } = await operations['conversations.change'](command, 0);
  const closing = entries.filter(({ closes_membership }) => closes_membership);
  t.same(
    closing.flatMap(({ user_ids }) => user_ids),
    [carl],
    'no other entry closes one',
  );
  const { entries: repaired } = await load(await owedIn(id));
  const byId = new Map(repaired.map((entry) => [entry.event_id, entry]));
  for (const entry of entries) t.same(byId.get(entry.event_id), entry);
  t.equal(repaired.length, entries.length);
});
