import t from 'tap';
import { isSoak, roundsWanted, seedWanted } from '../../../dev/testing/test-servers.ts';
import { NOBODY, type UserId } from '../../../shared/ids.ts';
import { ErasureWorld, type Shown } from '../stage/erasure-world.ts';
import { erase, runJob, tablesWith } from '../stage/job-runner.ts';
import { type StoreParts, setStage } from '../stage/store-stage.ts';

/**
 * People do what they like at random. Then some are erased, while the stores that run their jobs
 * die at random moments. What everybody else sees afterwards is what a plain function makes of what
 * they saw before.
 */
const stage = await setStage(t);
const { store, sql } = stage;
const stores = [store, stage.open()] as [StoreParts, StoreParts];
const ROUNDS = roundsWanted ?? (isSoak ? 100 : 2);
const ACTS = isSoak ? 300 : 80;

/** A store that dies so has carried out its step or its task, or has not. */
class Death extends Error {}

/** Says what a person sees once another one is erased. `left` are the groups that are left. */
function afterErasure(shown: Shown, gone: UserId): Shown {
  const idOf = (id: string | undefined) => (id === gone ? NOBODY : id);
  const messages = shown.messages.map((message) => {
    const isOwn = message.sender_id === gone;
    const { reply_to: reply, metadata } = message;
    const isSystem = message.message_type === 'system';
    const { value, ...said } = (metadata ?? {}) as { value?: string; user_id?: string };
    return {
      ...message,
      sender_id: idOf(message.sender_id) as UserId,
      ...(isOwn && !isSystem && { content: undefined, metadata: undefined, isDeleted: true }),
      ...(isSystem && {
        metadata: {
          ...said,
          ...(value !== undefined && !isOwn && { value }),
          ...(said.user_id !== undefined && { user_id: idOf(said.user_id) }),
        },
      }),
      ...(isOwn && { client_msg_id: undefined }),
      ...(isOwn && isSystem && value !== undefined && { content: 'It was changed' }),
      ...(reply !== undefined && {
        reply_to:
          reply.sender_id === gone && !reply.isSystem
            ? { ...reply, sender_id: NOBODY, content: '', isDeleted: true }
            : { ...reply, sender_id: idOf(reply.sender_id) as UserId },
      }),
      reactors: isOwn && !isSystem ? [] : message.reactors.filter(([, id]) => id !== gone),
    };
  });
  const participants = shown.participants.filter((id) => id !== gone);
  return { ...shown, messages, participants };
}

const seed = seedWanted ?? Math.floor(Math.random() * 2 ** 31);
for (let round = 0; round < ROUNDS; round += 1) {
  t.test(`an erasure leaves what it must, and nothing else (${seed + round})`, async (t) => {
    const world = new ErasureWorld(store, sql, seed + round);
    for (let act = 0; act < ACTS; act += 1) await world.act();
    const gone = world.one(world.people);
    const others = world.people.filter((id) => id !== gone);
    const before = await world.views(others);
    const untouched = await world.rowsWithout(gone);
    const { job_id } = await store.operations['users.erase']({ user_id: gone, service: 't' }, 0);
    for (let deaths = 0; ; deaths += 1) {
      const maybeDie = (): void => {
        if (deaths < 12 && world.random(3) === 0) throw new Death();
      };
      const running = { store: world.one(stores), sql, before: maybeDie, after: maybeDie };
      try {
        await runJob(job_id, running);
        break;
      } catch (error) {
        if (!(error instanceof Death)) throw error;
      }
    }
    t.match(await store.operations['jobs.get']({ job_id }, 0), { state: 'done' });
    t.same(await tablesWith(sql, gone), []);
    t.same(await world.rowsWithout(gone), untouched, 'other conversations are as they were');
    const after = await world.views(others);
    for (const [viewer, shown] of before) {
      for (const [id, one] of shown) {
        const now = after.get(viewer)?.get(id) as Shown;
        const count = one.messages.length;
        const expected = afterErasure(one, gone);
        t.same(now.messages.slice(0, count), expected.messages, `${viewer} ${id}`);
        t.same(now.participants, expected.participants);
        t.equal(now.title, one.title);
        const added = now.messages.slice(count).map(({ metadata }) => metadata?.event);
        const isLeft = one.type === 'group' && one.participants.includes(gone);
        t.equal(added[0], isLeft ? 'participant_left' : undefined);
        t.ok(added.length <= 2 && (added[1] ?? 'admin_changed') === 'admin_changed');
      }
      t.same([...(after.get(viewer)?.keys() ?? [])].sort(), [...shown.keys()].sort());
    }
  });
}

t.test('everybody can be erased, and then nothing of them is left', async (t) => {
  const world = new ErasureWorld(store, sql, seed);
  for (let act = 0; act < ACTS; act += 1) await world.act();
  for (const person of world.people) await erase(person, { store: world.one(stores), sql });
  for (const person of world.people) t.same(await tablesWith(sql, person), []);
  const ids = [...world.conversations];
  const left = await sql('select 1 from conversations where conversation_id = any($1)', [ids]);
  t.same(left, [], 'all conversations are of nobody');
});
