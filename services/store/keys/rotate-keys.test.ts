import { randomBytes } from 'node:crypto';
import t from 'tap';
import { isSoak } from '../../../dev/testing/test-servers.ts';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { wrapKey } from '../content/conversation-key.ts';
import {
  appendOk,
  contentKeys,
  createTalk,
  letter,
  openStore,
  setStage,
} from '../stage/store-stage.ts';
import { rotateKeys } from './rotate-keys.ts';

const { store, sql, url } = await setStage(t);
const { db } = store;
const k2 = { id: 'k2', key: randomBytes(32) };
const rotated = [k2, ...contentKeys];
/** A rotation of 100 000 keys takes at most a minute. */
const DOSE = isSoak ? { keys: 100_000, msMax: 60_000 } : { keys: 2_000, msMax: 10_000 };

const rotate = (batchMax = 1_000, keys = rotated, lines: string[] = []) =>
  rotateKeys({ db, contentKeys: keys, batchMax, tell: (line) => lines.push(line) });
const idsOf = async (): Promise<unknown[]> => {
  const rows = await sql<{ key_id: string }>('select distinct key_id from content_keys order by 1');
  return rows.map(({ key_id }) => key_id);
};
const clear = () => sql('truncate content_keys');

async function makeTalks(count: number) {
  const talks = await Promise.all(Array.from({ length: count }, () => createTalk(store)));
  for (const { id, alice } of talks) await appendOk(store, id, [letter(alice, `to ${id}`)]);
  return talks;
}

async function textsOf(keys: typeof rotated, talk: { id: ConversationId; alice: UserId }) {
  const reader = openStore(url, { keys });
  const ask = { user_id: talk.alice, conversation_id: talk.id };
  const { messages } = await reader.operations['messages.history'](ask, 0);
  await reader.close();
  return messages.map(({ content }) => content);
}

t.test('after a rotation the new content key alone opens every text', async (t) => {
  const talks = await makeTalks(5);
  const lines: string[] = [];
  t.same(await rotate(2, rotated, lines), { done: 5, left: 0 });
  t.same(lines.at(-1), '5 keys wrapped anew');
  t.same(await idsOf(), ['k2']);
  for (const talk of talks) t.same(await textsOf([k2], talk), [`to ${talk.id}`]);
  t.same(await rotate(), { done: 0, left: 0 }, 'a second one has nothing to do');
  await clear();
});

t.test('several rotations at once do each key once', async (t) => {
  await makeTalks(20);
  const all = await Promise.all([rotate(3), rotate(3), rotate(3)]);
  t.equal(
    all.reduce((sum, { done }) => sum + done, 0),
    20,
  );
  t.same(await idsOf(), ['k2']);
  await clear();
});

t.test('a key that cannot be read stays as it is, and is told', async (t) => {
  const [lost, damaged, fine] = await makeTalks(3);
  await sql(`update content_keys set key_id = 'lost' where conversation_id = $1`, [lost?.id]);
  await sql('update content_keys set wrapped = $2 where conversation_id = $1', [
    ...[damaged?.id, randomBytes(60)],
  ]);
  t.same(await rotate(1), { done: 1, left: 2 });
  t.same(await idsOf(), ['k1', 'k2', 'lost']);
  t.same(await textsOf(rotated, fine as NonNullable<typeof fine>), [`to ${fine?.id}`]);
  await clear();
});

t.test('a key that was erased is not rotated', async (t) => {
  const [talk] = await makeTalks(1);
  await sql('update content_keys set wrapped = null where conversation_id = $1', [talk?.id]);
  t.same(await rotate(), { done: 0, left: 0 });
  await clear();
});

t.test('sends go on meanwhile, by stores with either content key in front', async (t) => {
  const [talk] = await makeTalks(1);
  const { id, alice } = talk as NonNullable<typeof talk>;
  const newer = openStore(url, { keys: rotated });
  t.teardown(() => newer.close());
  const texts = [`to ${id}`];
  for (let round = 0; round < 5; round += 1) {
    const [first, second] = [`${round} of the first`, `${round} of the second`];
    await Promise.all([rotate(1), appendOk(store, id, [letter(alice, first)])]);
    await appendOk(newer, id, [letter(alice, second)]);
    texts.push(first, second);
  }
  t.same(await textsOf([k2], { id, alice }), texts);
  await clear();
});

/** A statement of the stage may take 1.4 s. */
const INSERTED_AT_ONCE = 2_000;

t.test(`${DOSE.keys} keys are rotated in time`, async (t) => {
  const [k1] = contentKeys as [typeof k2];
  for (let from = 0; from < DOSE.keys; from += INSERTED_AT_ONCE) {
    const count = Math.min(INSERTED_AT_ONCE, DOSE.keys - from);
    const ids = Array.from({ length: count }, () => newId<ConversationId>());
    const wrapped = ids.map((conversation_id) =>
      wrapKey(randomBytes(32), k1.key, { conversation_id, generation: 1 }),
    );
    await sql(
      `insert into content_keys (conversation_id, generation, key_id, wrapped, created_at)
        select id, 1, 'k1', wrapped, now()
        from unnest($1::uuid[], $2::bytea[]) as w (id, wrapped)`,
      [ids, wrapped],
    );
  }
  const beganAt = steadyMs();
  t.same(await rotate(), { done: DOSE.keys, left: 0 });
  const ms = Math.round(steadyMs() - beganAt);
  t.comment(`${DOSE.keys} keys in ${ms} ms`);
  t.ok(ms < DOSE.msMax, `${ms} ms`);
  await clear();
});
