import t from 'tap';
import { isSoak, roundsWanted, seedWanted } from '../../../dev/testing/test-servers.ts';
import type { HistoryMessage, HistoryRequest } from '../../../shared/contracts/messages.ts';
import { type ConversationId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { weekOf } from '../partitions/spans.ts';
import { expireAll, trustClock } from '../stage/expiry-stage.ts';
import { setFalseClock } from '../stage/false-clock.ts';
import { RETENTION_DAYS, readPlainly } from '../stage/plain-history.ts';
import { createRandom, type Random } from '../stage/random.ts';
import { append, appendOk, codeOf, createGroup, letter, setStage } from '../stage/store-stage.ts';

/**
 * Random sends, edits, deletions, joins and removals, while months pass and clocks jump. After
 * that, whatever shows messages must agree with the plain rule, played over the rows as they are.
 */
const { store, sql } = await setStage(t);
const { operations } = store;
const setClock = await setFalseClock(sql);
const ROUNDS = roundsWanted ?? (isSoak ? 60 : 3);
const STEPS = isSoak ? 120 : 40;
const DAY_MS = 86_400_000;
const REPLAY_MS = 7 * DAY_MS;

class World {
  readonly random: Random;
  readonly people = Array.from({ length: 5 }, () => newId<UserId>());
  readonly groups: ConversationId[] = [];
  day = 0;

  constructor(random: Random) {
    this.random = random;
  }

  get nowMs(): number {
    return Date.now() + this.day * DAY_MS;
  }

  one<Item>(items: readonly Item[]): Item {
    return items[this.random(items.length)] as Item;
  }

  async plain(id: ConversationId) {
    return readPlainly(sql, id, this.nowMs);
  }

  async step(): Promise<void> {
    const act = this.random(14);
    if (this.groups.length < 2 || act === 0) await this.create();
    else if (act <= 5) await this.send(this.one(this.groups));
    else if (act <= 7) await this.pass([1, 5, 20, 45, 80][this.random(5)] as number);
    else if (act === 8) await this.jump([20, 400][this.random(2)] as number);
    else if (act === 9) await this.seat(this.one(this.groups));
    else if (act === 10) await this.change(this.one(this.groups));
    else if (act === 11) await this.read(this.one(this.groups));
    else await this.expire();
  }

  async expire() {
    for (const id of this.groups) await this.plain(id); // What goes is remembered.
    await trustClock(sql, this.day);
    const gone = await expireAll(store, this.day, 1 + this.random(4));
    await operations['retention.drop']({ limit: 100 }, 0);
    return gone;
  }

  async create(): Promise<void> {
    this.groups.push(await createGroup(store, this.people.slice(0, 3)));
  }

  async send(id: ConversationId): Promise<void> {
    const { users, sightOf } = await this.plain(id);
    const sender = this.one(users);
    const shown = sightOf(sender)?.shown.filter(({ is_deleted }) => !is_deleted) ?? [];
    const replied = this.random(3) === 0 ? this.one(shown) : undefined;
    const reply = replied && { reply_to: replied.message_id };
    await appendOk(store, id, [letter(sender), { ...letter(sender), ...reply }]);
  }

  async pass(days: number): Promise<void> {
    this.day += days;
    await setClock(this.day);
  }

  async jump(days: number): Promise<void> {
    await this.pass(days);
    await this.send(this.one(this.groups));
    await this.pass(-days);
    if (this.random(2) === 0) await this.expire();
  }

  async seat(conversation_id: ConversationId): Promise<void> {
    const [user_id] = this.people as [UserId];
    const other = this.one(this.people.slice(1));
    const { users } = await this.plain(conversation_id);
    const isIn = users.includes(other);
    const command = isIn
      ? { op: 'conversations.remove' as const, participant_id: other }
      : {
          op: 'conversations.add' as const,
          user_ids: [other],
          share_history: this.random(2) === 0,
        };
    await operations['conversations.change']({ user_id, conversation_id, ...command }, 0);
  }

  async change(id: ConversationId): Promise<void> {
    const { users, sightOf } = await this.plain(id);
    const user_id = this.one(users);
    const own = sightOf(user_id)?.shown.filter((one) => one.sender_id === user_id) ?? [];
    const message = this.one(own.filter(({ is_deleted }) => !is_deleted));
    if (message === undefined) return;
    const named = { user_id, message_id: message.message_id };
    const { messages } = await operations['messages.history'](
      { user_id, conversation_id: id, after_seq: message.seq - 1, limit: 1 },
      0,
    );
    if (messages[0]?.message_type === 'system') return;
    const target = { ...named, place: await operations['messages.locate'](named, 0) };
    if (this.random(2) === 0) await operations['messages.delete'](target, 0);
    else await operations['messages.react']({ ...target, emoji: '👍' }, 0);
  }

  async read(conversation_id: ConversationId): Promise<void> {
    const { messages, users, sightOf } = await this.plain(conversation_id);
    const user_id = this.one(users);
    const { seq } = this.one(messages) ?? { seq: 1 };
    const read = { reads: [{ user_id, conversation_id, seq }] };
    const { results } = await operations['positions.read'](read, steadyMs() + 5_000);
    const after = (await this.plain(conversation_id)).sightOf(user_id);
    t.match(results, [{ ok: true, unread: after?.unread }], `read by ${sightOf(user_id)?.first}`);
  }
}

async function pages(ask: HistoryRequest, way: 'up' | 'down') {
  const found: HistoryMessage[] = [];
  for (;;) {
    const at = way === 'up' ? { after_seq: found.at(-1)?.seq ?? 0 } : {};
    const before =
      way === 'down' && found.length > 0 ? { before_seq: found[0]?.seq as number } : {};
    const page = await operations['messages.history']({ ...ask, limit: 7, ...at, ...before }, 0);
    if (way === 'up') found.push(...page.messages);
    else found.unshift(...page.messages);
    if (!page.has_more) return { found, first_seq: page.first_seq };
  }
}

async function checkHistory(world: World, id: ConversationId, user_id: UserId) {
  const sight = (await world.plain(id)).sightOf(user_id);
  const ask = { user_id, conversation_id: id };
  if (sight === undefined) {
    await t.rejects(operations['messages.history'](ask, 0), { code: 'NOT_A_PARTICIPANT' });
    return;
  }
  const { first, shown, unread } = sight;
  const seqs = shown.map(({ seq }) => seq);
  for (const way of ['up', 'down'] as const) {
    const { found, first_seq } = await pages(ask, way);
    t.same([first_seq, ...found.map(({ seq }) => seq)], [first, ...seqs], way);
    const quotes = found.flatMap(({ reply_to, seq }) => (reply_to === undefined ? [] : seq));
    const quoting = shown.filter(({ reply_to_seq: seq }) => seq !== null && seq >= first);
    t.same(
      quotes,
      quoting.map(({ seq }) => seq),
    );
  }
  const { record } = await operations['conversations.get'](ask, 0);
  const list = await operations['conversations.list']({ user_id }, 0);
  for (const one of [record, list.records.find(({ conversation_id }) => conversation_id === id)]) {
    t.match(one, { unread, first_seq: first });
    t.equal(one?.last_message?.seq, seqs.at(-1));
  }
}

/** Nobody finds, changes, quotes or reads up to a message that is hidden. */
async function checkHidden(world: World, id: ConversationId, user_id: UserId): Promise<void> {
  const { messages, sightOf } = await world.plain(id);
  const first = sightOf(user_id)?.first;
  const message = world.one(messages);
  if (first === undefined || message === undefined) return;
  const { message_id, seq, sent_at } = message;
  const named = { user_id, message_id };
  if (seq >= first) {
    t.match(await operations['messages.get'](named, 0), { message_id, seq });
    return;
  }
  const target = { ...named, place: { conversation_id: id, seq, sent_at } };
  const gone = { code: 'MESSAGE_NOT_FOUND' };
  await t.rejects(operations['messages.get'](named, 0), gone);
  await t.rejects(operations['messages.locate'](named, 0), gone);
  await t.rejects(operations['messages.react']({ ...target, emoji: '👍' }, 0), gone);
  await t.rejects(operations['messages.delete'](target, 0), gone);
  const reads = [{ user_id, conversation_id: id, message_id }];
  const { results } = await operations['positions.read']({ reads }, steadyMs() + 5_000);
  t.match(results, [{ ok: false, error: gone }]);
  const quoting = { ...letter(user_id), reply_to: message_id };
  const reply = await append(store, id, [quoting]);
  t.equal(codeOf(reply.results[0]), 'INVALID_REQUEST');
}

async function checkReplay(world: World, user_id: UserId): Promise<void> {
  const sights = await Promise.all(
    world.groups.map(async (id) => ({ id, sight: (await world.plain(id)).sightOf(user_id) })),
  );
  const owed = sights.flatMap(({ id, sight }) =>
    (sight?.undelivered ?? []).map(({ seq, sent_at }) => ({ place: `${id}/${seq}`, sent_at })),
  );
  const isRecent = ({ sent_at }: { sent_at: string }): boolean =>
    Date.parse(sent_at) > world.nowMs - REPLAY_MS;
  const { messages, complete } = await operations['messages.undelivered']({ user_id }, 0);
  const places = messages.map(({ conversation_id, seq }) => `${conversation_id}/${seq}`);
  t.same(new Set(places), new Set(owed.filter(isRecent).map(({ place }) => place)));
  t.equal(complete, owed.every(isRecent));
}

/** Nothing is left of what was sent before the grace, and in the end nothing at all. */
async function checkGone(world: World): Promise<void> {
  const left = async (untilMs: number) => {
    const rows = await sql<{ what: string; count: number }>(
      `select 'messages' as what, count(*) from messages where sent_at < $1
        union all select 'keys', count(*) from message_keys where sent_at < $1
        union all select 'reactions', count(*) from reactions r
          where not exists (select from messages m where m.message_id = r.message_id)
        union all select 'revisions', count(*) from message_revisions r
          where not exists (select from messages m where m.message_id = r.message_id)`,
      [new Date(untilMs).toISOString()],
    );
    return rows.filter(({ count }) => count > 0);
  };
  const graceMs = (RETENTION_DAYS + 7) * DAY_MS;
  await world.expire();
  t.same(await left(weekOf(world.nowMs - graceMs).fromMs), []);
  await world.pass(600);
  await world.expire();
  t.same(await left(world.nowMs), []);
}

for (let round = 0; round < ROUNDS; round += 1) {
  const seed = seedWanted ?? Math.floor(Math.random() * 2 ** 31);
  t.test(`what shows messages agrees while months pass and clocks jump (${seed})`, async (t) => {
    const world = new World(createRandom(seed));
    await setClock(0);
    for (let step = 0; step < STEPS; step += 1) await world.step();
    for (const id of world.groups) {
      for (const user of world.people) {
        await checkHistory(world, id, user);
        await checkHidden(world, id, user);
      }
    }
    for (const user of world.people) await checkReplay(world, user);
    t.ok(world.groups.length > 0);
    await checkGone(world);
    await sql(
      `truncate messages, message_keys, conversations, participants, reactions, outbox,
        expired_partitions`,
    );
  });
}

t.test('a message is hidden the moment that it is too old, and shown again before', async (t) => {
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  await setClock(0);
  const id = await createGroup(store, [ann, bob]);
  const [first] = await appendOk(store, id, [letter(ann, 'first')]);
  await setClock(RETENTION_DAYS - 1);
  await appendOk(store, id, [{ ...letter(bob), reply_to: first?.message_id as MessageId }]);
  const read = () => operations['messages.history']({ user_id: bob, conversation_id: id }, 0);
  t.match(await read(), {
    first_seq: 1,
    messages: [{ seq: 1 }, { reply_to: { content: 'first' } }],
  });
  await setClock(RETENTION_DAYS);
  const later = await read();
  t.match(later, { first_seq: 2, messages: [{ seq: 2, reply_to: undefined }] });
  await setClock(3 * RETENTION_DAYS);
  t.match(await read(), { first_seq: 3, messages: [], has_more: false });
  const get = async () =>
    (await operations['conversations.get']({ user_id: ann, conversation_id: id }, 0)).record;
  t.match(await get(), { first_seq: 3, last_seq: 2, unread: 0, last_message: undefined });
  const [next] = await appendOk(store, id, [letter(bob)]);
  t.equal(next?.seq, 3, 'the next number goes on');
  t.match(await get(), { unread: 1, last_message: { seq: 3 } });
  await setClock(RETENTION_DAYS - 1);
  t.match(await read(), { first_seq: 1, messages: [{ seq: 1 }, { seq: 2 }, { seq: 3 }] });
});

t.test('rows that are gone count as nothing, and the newest that is left is shown', async (t) => {
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  await setClock(0);
  const id = await createGroup(store, [ann, bob]);
  await appendOk(
    store,
    id,
    Array.from({ length: 8 }, (_, index) => letter(ann, `m${index + 1}`)),
  );
  await sql('delete from messages where conversation_id = $1 and (seq <= 2 or seq = 8)', [id]);
  const named = { user_id: bob, conversation_id: id };
  const { record } = await operations['conversations.get'](named, 0);
  t.match(record, { unread: 5, last_seq: 8, last_message: { seq: 7, content: 'm7' } });
  t.same((await operations['conversations.list']({ user_id: bob }, 0)).records, [record]);
  const reads = [{ ...named, seq: 4 }];
  const { results } = await operations['positions.read']({ reads }, steadyMs() + 5_000);
  t.match(results, [{ ok: true, unread: 3 }]);
});
