import t from 'tap';
import { isSoak } from '../../../dev/testing/test-servers.ts';
import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import { audienceOf } from '../../../shared/durable-events/audience.ts';
import {
  type ConversationId,
  type EventId,
  type MessageId,
  newId,
  type UserId,
} from '../../../shared/ids.ts';
import { appendOk, createGroup, letter, setStage } from '../stage/store-stage.ts';

/** SQL decides as well who gets an update, in `react` and `rewrite_message`. */

const CONVERSATIONS = isSoak ? 400 : 12;
const STEPS = 40;
const PEOPLE = 7;

const stage = await setStage(t);
const { store, sql } = stage;
const { operations } = store;

/** This is Mulberry32, so the same seed brings the same conversation again. */
function createRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

type Sent = { message_id: MessageId; seq: number; sender: UserId };
type Scene = {
  group: ConversationId;
  people: readonly UserId[];
  sent: Sent[];
  random: (limit: number) => number;
};

const participantsOf = (conversation_id: ConversationId) =>
  operations['conversations.participants']({ conversation_id }, 0);

/** Somebody sends or leaves, or an admin adds or removes somebody, with or without the history. */
async function change({ group, people, sent, random }: Scene): Promise<void> {
  const one = people[random(PEOPLE)] as UserId;
  const command = async (by: UserId | undefined, op: object): Promise<void> => {
    if (by === undefined) return;
    const change = { conversation_id: group, user_id: by, ...op };
    await operations['conversations.change'](change as ConversationCommand, 0);
  };
  const step = random(6);
  if (step < 2) {
    const [written] = await appendOk(store, group, [letter(one)]);
    if (written !== undefined) sent.push({ ...written, sender: one });
  } else if (step < 4) {
    const op = { op: 'conversations.add', user_ids: [one], share_history: random(2) === 0 };
    await command(await adminOf(group), op);
  } else {
    const by = step === 4 ? one : await adminOf(group);
    await command(by, { op: 'conversations.remove', participant_id: one });
  }
}

async function adminOf(group: ConversationId): Promise<UserId | undefined> {
  const [admin] = await sql<{ user_id: UserId }>(
    `select user_id from participants
      where conversation_id = $1 and left_at is null and role = 'admin' order by joined_at limit 1`,
    [group],
  );
  return admin?.user_id;
}

/** Somebody reacts to a message, edits it or deletes it. The result has the event, if they may. */
async function update({ people, sent, random }: Scene): Promise<[Sent, OutboxEntry] | undefined> {
  const message = sent[random(sent.length)];
  if (message === undefined) return undefined;
  const { message_id, sender } = message;
  const by = random(3) === 0 ? sender : (people[random(PEOPLE)] as UserId);
  const named = { user_id: by, message_id };
  const target = { ...named, place: await operations['messages.locate'](named, 0) };
  const changes = [
    () => operations['messages.react']({ ...target, emoji: '👍', remove: random(4) === 0 }, 0),
    () => operations['messages.edit']({ ...target, content: `words ${random(1_000)}` }, 0),
    () => operations['messages.delete'](target, 0),
  ];
  const { entry } = await (changes[random(8) === 0 ? 2 : random(2)] as (typeof changes)[number])();
  return entry && [message, entry];
}

const REFUSAL = /NOT_A_PARTICIPANT|FORBIDDEN|CONFLICT|NOT_FOUND/;

/** Store refuses what people may not do, and the result is undefined then. */
async function ifAllowed<Result>(doing: Promise<Result>): Promise<Result | undefined> {
  try {
    return await doing;
  } catch (error) {
    const { code = '', message } = error as Error & { code?: string };
    if (!REFUSAL.test(`${code} ${message}`)) throw error;
    return undefined;
  }
}

const sorted = (ids: readonly UserId[] | undefined): UserId[] => [...(ids ?? [])].sort();

t.test('an update goes to those whom the audience function names', async (t) => {
  let updates = 0;
  let withLate = 0;
  for (let seed = 1; seed <= CONVERSATIONS; seed += 1) {
    const random = createRandom(seed);
    const people = Array.from({ length: PEOPLE }, () => newId<UserId>());
    const group = await createGroup(store, people.slice(0, 2 + random(3)));
    const scene: Scene = { group, people, sent: [], random };
    for (let step = 0; step < STEPS; step += 1) {
      if (random(2) === 0) await ifAllowed(change(scene));
      const updated = await ifAllowed(update(scene));
      if (updated === undefined) continue;
      const [{ seq }, entry] = updated;
      const participants = await participantsOf(group);
      const seers = sorted(audienceOf(participants, { of: 'seers', seq }));
      const event_ids: EventId[] = [entry.event_id];
      const { entries } = await operations['outbox.claim']({ event_ids, limit: 1, lease_ms: 1 }, 0);
      const told = [sorted(entry.user_ids), sorted(entries[0]?.user_ids)];
      if (told.some((ids) => String(ids) !== String(seers))) {
        t.fail(`seed ${seed}, step ${step}`, { told, seers, seq, participants });
      }
      updates += 1;
      if (seers.length < participants.user_ids.length) withLate += 1;
    }
    await sql('delete from outbox');
  }
  t.ok(updates > CONVERSATIONS * 3, `${updates} updates`);
  t.ok(withLate > CONVERSATIONS / 3, `${withLate} of them not for all participants`);
});
