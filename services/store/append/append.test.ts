import t from 'tap';
import type { AppendResult } from '../../../shared/contracts/append.ts';
import { type ConversationId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import { weekOf } from '../partitions/spans.ts';
import {
  append,
  appendOk,
  codeOf,
  createGroup,
  createTalk,
  letter,
  setStage,
} from '../stage/store-stage.ts';

const stage = await setStage(t);
const { store, sql } = stage;
const other = stage.open();

t.test('a send writes a seq, a time, a key, an outbox row and the positions', async (t) => {
  const { id, alice } = await createTalk(store);
  const item = { ...letter(alice, 'naमस्ते'), metadata: { nul: '\u0000', deep: { a: [1] } } };
  const { conversation_version, results } = await append(store, id, [item]);
  const [sent] = results;
  t.match(sent, { ok: true, seq: 1, message_id: String, sent_at: /\.\d{3}Z$/ });
  t.equal(conversation_version, 1);
  const [row] = await sql('select * from messages where conversation_id = $1', [id]);
  t.notOk(String(row?.content).includes('na'), 'the content is encrypted');
  t.match(row, { seq: 1, key_id: '@1', message_type: 'text', sender_id: alice });
  const [outbox] = await sql('select * from outbox where conversation_id = $1 and seq = 1', [id]);
  t.match(outbox, { kind: 'message', event_id: sent?.ok && sent.event_id });
  const [own] = await sql('select * from participants where user_id = $1', [alice]);
  t.match(own, { delivered_seq: 1, read_seq: 1, read_at: sent?.ok && sent.sent_at });
  const [conversation] = await sql('select * from conversations where conversation_id = $1', [id]);
  t.match(conversation, { last_seq: 1, last_activity: sent?.ok && sent.sent_at, version: 1 });
});

t.test('two stores racing on one client_msg_id write one message', async (t) => {
  const { id, alice } = await createTalk(store);
  for (let round = 1; round <= 20; round += 1) {
    const item = letter(alice);
    const both = await Promise.all([appendOk(store, id, [item]), appendOk(other, id, [item])]);
    const [first, second] = both.flat();
    t.equal(first?.message_id, second?.message_id);
    t.equal(first?.seq, round);
    t.equal([first, second].filter((sent) => sent?.duplicate).length, 1);
  }
});

t.test('sends of several users keep the order in which they came', async (t) => {
  const users = Array.from({ length: 8 }, () => newId<UserId>());
  const id = await createGroup(store, users);
  const sent = await appendOk(
    store,
    id,
    [...users, ...users].map((user) => letter(user)),
  );
  t.same(
    sent.map(({ seq }) => seq),
    Array.from({ length: 16 }, (_, index) => index + 1),
  );
});

t.test('a repeat answers the first values and whether the fan-out is owed', async (t) => {
  const { id, alice } = await createTalk(store);
  const item = letter(alice);
  const [first] = await appendOk(store, id, [item]);
  const changed = { ...item, content: 'other', reply_to: newId<MessageId>() };
  const [second] = await appendOk(store, id, [changed]);
  t.match(second, { seq: 1, message_id: first?.message_id, duplicate: true, fanout_pending: true });
  await store.operations['outbox.done']({ event_ids: [first?.event_id as never] }, 0);
  const [third] = await appendOk(store, id, [item]);
  t.match(third, { duplicate: true, fanout_pending: false });
});

t.test('two sends with one key in one request write one message', async (t) => {
  const { id, alice } = await createTalk(store);
  const item = letter(alice);
  const [first, second] = await appendOk(store, id, [item, item]);
  t.match(first, { seq: 1, duplicate: undefined });
  t.match(second, { seq: 1, duplicate: true, message_id: first?.message_id });
});

t.test('of many concurrent conversations, each has its own last message', async (t) => {
  const talks = await Promise.all(Array.from({ length: 6 }, () => createTalk(store)));
  const known = letter(talks[0]?.alice as UserId);
  await appendOk(store, talks[0]?.id as ConversationId, [known]);
  const sent = await Promise.all(
    talks.map(({ id, alice, bina }, index) => {
      const fresh = Array.from({ length: index }, () => letter(index % 2 ? alice : bina));
      // The last send to each conversation is refused or is a repeat.
      const last = index === 0 ? known : letter(newId<UserId>());
      return append(store, id, [...fresh, last]);
    }),
  );
  for (const [index, { id }] of talks.entries()) {
    const codes = sent[index]?.results.map((result) => codeOf(result) ?? 'ok');
    const last = index === 0 ? 'ok' : 'NOT_A_PARTICIPANT';
    t.same(codes, [...Array.from({ length: index }, () => 'ok'), last]);
    const seqs = await sql(
      `select c.last_seq, c.last_sent_at, max(m.seq) as seq, max(m.sent_at) as sent_at,
        count(m.seq) as messages, count(o.event_id) as owed
        from conversations c join messages m using (conversation_id)
        left join outbox o on o.event_id = m.message_id
        where c.conversation_id = $1 group by c.conversation_id`,
      [id],
    );
    const count = Math.max(1, index);
    t.match(seqs, [{ last_seq: count, seq: count, messages: count, owed: count }]);
    t.equal(seqs[0]?.last_sent_at, seqs[0]?.sent_at);
  }
});

t.test('strangers, removed users and unknown conversations are refused alone', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  const removed = letter(bina);
  await appendOk(store, id, [removed]);
  await sql('update participants set left_at = now() where user_id = $1', [bina]);
  const items = [letter(alice), letter(newId<UserId>()), letter(bina), letter(alice), removed];
  const { results } = await append(store, id, items);
  t.same(results.map(codeOf), [
    undefined,
    'NOT_A_PARTICIPANT',
    'NOT_A_PARTICIPANT',
    undefined,
    undefined,
  ]);
  t.same(
    results.flatMap((result) => (result.ok ? result.seq : [])),
    [2, 3, 1],
  );
  t.match(results[4], { duplicate: true }, 'a former participant hears of their own send');
  const [keys] = await sql('select count(*) from message_keys where conversation_id = $1', [id]);
  t.match(keys, { count: 3 }, 'a refusal leaves no key behind');
  const nowhere = await append(store, newId<ConversationId>(), [letter(alice)]);
  t.same(nowhere.results.map(codeOf), ['CONVERSATION_NOT_FOUND']);
});

t.test('seq has no hole and no repeat under load from two stores', async (t) => {
  const users = Array.from({ length: 8 }, () => newId<UserId>());
  const ids = await Promise.all([1, 2, 3].map(() => createGroup(store, users)));
  const jobs = Array.from({ length: 90 }, async (_, job) => {
    const id = ids[job % 3] as ConversationId;
    const items = users.map((user) => letter(user)).concat(letter(newId<UserId>()));
    return append(job % 2 === 0 ? store : other, id, items);
  });
  const replies = await Promise.all(jobs);
  const results: AppendResult[] = replies.flatMap(({ results }) => results);
  t.equal(results.filter((result) => result.ok).length, 90 * 8, 'participants sent these');
  for (const id of ids) {
    const [row] = await sql(
      `select count(*), min(seq) as low, max(seq) as high, c.last_seq as last
      from messages join conversations c using (conversation_id)
      where conversation_id = $1 group by c.last_seq`,
      [id],
    );
    t.match(row, { count: 240, low: 1, high: 240, last: 240 });
  }
});

t.test('times do not fall with a clock that is set back by less than a minute', async (t) => {
  const { id, alice } = await createTalk(store);
  const ahead = new Date(Date.now() + 50_000).toISOString();
  await sql('update conversations set last_sent_at = $2 where conversation_id = $1', [id, ahead]);
  const [sent] = await appendOk(store, id, [letter(alice)]);
  t.equal(sent?.sent_at, ahead);
});

t.test('a reply needs a message of the conversation that the sender can see', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  const elsewhere = await createTalk(store);
  const [first] = await appendOk(store, id, [letter(alice, 'é'.repeat(300))]);
  const [foreign] = await appendOk(store, elsewhere.id, [letter(elsewhere.alice)]);
  await sql('update participants set first_visible_seq = 2 where user_id = $1', [bina]);
  const to = (user: UserId, reply_to: MessageId | undefined) =>
    ({ ...letter(user), reply_to }) as ReturnType<typeof letter>;
  const { results } = await append(store, id, [
    to(alice, first?.message_id),
    to(alice, foreign?.message_id),
    to(alice, newId<MessageId>()),
    to(bina, first?.message_id),
  ]);
  t.same(results.map(codeOf), [undefined, ...Array(3).fill('INVALID_REQUEST')]);
  const preview = { message_id: first?.message_id, sender_id: alice, content: 'é'.repeat(140) };
  t.match(results[0], { seq: 2, reply_to: preview });
});

t.test('a new message unarchives a conversation', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  await sql('update participants set archived_at = now() where user_id = $1', [bina]);
  await sql('update conversations set has_archived = true where conversation_id = $1', [id]);
  await appendOk(store, id, [letter(alice)]);
  const [row] = await sql('select archived_at from participants where user_id = $1', [bina]);
  t.equal(row?.archived_at, null);
  const [conversation] = await sql('select * from conversations where conversation_id = $1', [id]);
  t.match(conversation, { has_archived: false, last_seq: 1 });
});

t.test('a send in a week without a partition makes the partition', async (t) => {
  const { id, alice } = await createTalk(store);
  const monday = new Date(weekOf(Date.now()).fromMs).toISOString().slice(0, 10);
  const week = `messages_${monday.replaceAll('-', '_')}`;
  await sql(`alter table messages detach partition ${week}`);
  await sql(`drop table ${week}`);
  const [sent] = await appendOk(store, id, [letter(alice)]);
  t.equal(sent?.seq, 1);
});
