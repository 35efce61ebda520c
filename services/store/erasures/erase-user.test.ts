import { randomBytes } from 'node:crypto';
import t from 'tap';
import type { HistoryMessage } from '../../../shared/contracts/messages.ts';
import {
  type ConversationId,
  type JobId,
  type MessageId,
  NOBODY,
  newId,
  type UserId,
} from '../../../shared/ids.ts';
import type { ContentKey } from '../content/content-keys.ts';
import { makeBusiness, makeConversation, stepTaker } from '../stage/business-stage.ts';
import { erase, runJob, tablesWith } from '../stage/job-runner.ts';
import {
  append,
  appendOk,
  codeOf,
  contentKeys,
  createGroup,
  createTalk,
  letter,
  openStore,
  setStage,
} from '../stage/store-stage.ts';

const { store, sql, url } = await setStage(t);
const { operations } = store;
const running = { store, sql };
const step = stepTaker(store);

const people = (count: number): UserId[] => Array.from({ length: count }, () => newId<UserId>());
const history = async (user_id: UserId, conversation_id: ConversationId) =>
  (await operations['messages.history']({ user_id, conversation_id, limit: 200 }, 0)).messages;
const recordOf = async (user_id: UserId, conversation_id: ConversationId) =>
  (await operations['conversations.get']({ user_id, conversation_id }, 0)).record;
const placeOf = ({ conversation_id, seq, sent_at }: HistoryMessage) => {
  return { conversation_id, seq, sent_at };
};
const begin = (user_id: UserId) => operations['users.erase']({ user_id, service: 'test' }, 0);

t.test('the other of a direct conversation reads tombstones of nobody', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  const [first] = await appendOk(store, id, [{ ...letter(alice, 'one'), metadata: { a: 1 } }]);
  const reply_to = first?.message_id as MessageId;
  await appendOk(store, id, [{ ...letter(bina, 'two'), reply_to }, letter(alice, 'three')]);
  const { job_id } = await erase(alice, running);
  const shown = await history(bina, id);
  t.match(shown[0], { sender_id: NOBODY, seq: 1, version: 2, deleted_at: /T/ });
  t.notOk('content' in (shown[0] as object) || 'metadata' in (shown[0] as object));
  t.notOk('client_msg_id' in (shown[0] as object), 'the key of the send is gone');
  t.match(shown[1], { sender_id: bina, content: 'two', version: 1 });
  t.match(shown[1]?.reply_to, { sender_id: NOBODY, content: '', deleted: true });
  const record = await recordOf(bina, id);
  t.same(
    record.participants.map(({ user_id }) => user_id),
    [bina],
  );
  t.match(record.last_message, { sender_id: NOBODY, content: '' });
  t.equal(record.unread, 1, 'a tombstone counts until it is read');
  t.same(await tablesWith(sql, alice), []);
  t.match(await operations['jobs.get']({ job_id }, 0), { state: 'done', done: 2, total: 2 });
  await appendOk(store, id, [letter(bina, 'to nobody')]);
});

t.test('a conversation of nobody goes with everything in it', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  await appendOk(store, id, [letter(alice, 'one'), letter(bina, 'two')]);
  await erase(alice, running);
  await erase(bina, running);
  t.same(await tablesWith(sql, id), ['event_log'], 'only the log keeps its id, for 8 days');
  t.same(await tablesWith(sql, bina), []);
});

t.test('a group sees its member leave as nobody, and has another admin', async (t) => {
  const [ann, bob, eve] = people(3) as [UserId, UserId, UserId];
  const id = await createGroup(store, [ann, bob, eve]);
  const change = { conversation_id: id, user_id: ann };
  const title = 'A title';
  await operations['conversations.change']({ op: 'conversations.update', ...change, title }, 0);
  await appendOk(store, id, [letter(ann, 'by ann'), letter(bob, 'by bob')]);
  await erase(ann, running);
  const [titled, text, other, left, admin] = await history(bob, id);
  t.match(titled, { sender_id: NOBODY, message_type: 'system' });
  t.same(titled?.metadata, { event: 'title_changed' }, 'what the title was is not told');
  t.match(text, { sender_id: NOBODY, deleted_at: /T/ });
  t.match(other, { sender_id: bob, content: 'by bob' });
  t.match(left, { sender_id: NOBODY, metadata: { event: 'participant_left', user_id: NOBODY } });
  t.match(admin, { sender_id: NOBODY, metadata: { event: 'admin_changed' } });
  const record = await recordOf(bob, id);
  t.equal(record.title, title, 'the title belongs to the group');
  t.equal(record.participants.filter(({ role }) => role === 'admin').length, 1);
  t.same(await tablesWith(sql, ann), []);
});

t.test('what others did to and with the person tells of nobody', async (t) => {
  const [ann, bob, eve] = people(3) as [UserId, UserId, UserId];
  const id = await createGroup(store, [ann, bob]);
  const of = { conversation_id: id, user_id: ann };
  await operations['conversations.change']({ op: 'conversations.add', ...of, user_ids: [eve] }, 0);
  const [own] = await appendOk(store, id, [letter(eve, 'by eve')]);
  const [other] = await appendOk(store, id, [letter(bob, 'by bob')]);
  const shown = await history(ann, id);
  const byId = (wanted: MessageId | undefined) =>
    shown.find(({ message_id }) => message_id === wanted) as HistoryMessage;
  const [mine, theirs] = [byId(own?.message_id), byId(other?.message_id)];
  const target = (user_id: UserId, message: HistoryMessage) => {
    return { user_id, message_id: message.message_id, place: placeOf(message) };
  };
  await operations['messages.edit']({ ...target(eve, mine), content: 'edited by eve' }, 0);
  await operations['messages.react']({ ...target(eve, theirs), emoji: '👍' }, 0);
  await operations['messages.react']({ ...target(bob, theirs), emoji: '🎉' }, 0);
  await operations['messages.react']({ ...target(bob, mine), emoji: '🎉' }, 0);
  await operations['messages.delete'](target(ann, mine), 0);
  const before = byId(other?.message_id).version;
  await erase(eve, running);
  const after = await history(bob, id);
  t.match(after[0], { sender_id: ann, metadata: { event: 'participant_added', user_id: NOBODY } });
  const kept = after.find(({ message_id }) => message_id === theirs.message_id);
  t.same(kept?.reactions, [{ emoji: '🎉', count: 1, mine: true }]);
  t.ok((kept?.version ?? 0) > before + 2, 'the message has a higher version without the reaction');
  t.same(await tablesWith(sql, eve), []);
  const revisions = 'select 1 from message_revisions where message_id = $1';
  t.same(await sql(revisions, [mine.message_id]), [], 'the earlier texts are gone');
  const [deletion] = await sql(
    'select sender_id, deleted_by from message_deletions where message_id = $1',
    [mine.message_id],
  );
  t.same(deletion, { sender_id: NOBODY, deleted_by: ann }, 'the record of the deletion stays');
  await erase(ann, running);
  t.same(await tablesWith(sql, ann), []);
  await t.rejects(sql(`update message_deletions set sender_id = $1`, [bob]), { code: '42501' });
});

t.test('what an agent had waits, and what a customer had is closed for good', async (t) => {
  const { business, manager, agents } = await makeBusiness(store, { agents: 1 });
  const [agent] = agents as [UserId];
  const { id, customer } = await makeConversation(store, business);
  await appendOk(store, id, [letter(customer, 'help')]);
  await step({ user: agent, id }, 'assign');
  await appendOk(store, id, [letter(agent, 'here')]);
  await erase(agent, running);
  t.match(await recordOf(customer, id), { state: 'waiting' });
  const said = await history(customer, id);
  t.match(said.at(-1), { sender_id: NOBODY, deleted_at: /T/ });
  t.match(said[1]?.metadata, { event: 'agent_assigned', user_id: NOBODY });
  t.same(await tablesWith(sql, agent), []);
  const { tasks } = await erase(customer, running);
  t.ok(tasks.some(({ task }) => task === 'close'));
  t.match(await recordOf(manager, id), { state: 'closed' });
  t.match((await history(manager, id))[0], { sender_id: NOBODY, deleted_at: /T/ });
  await t.rejects(step({ user: manager, id }, 'reopen'), { code: 'CONFLICT' });
  t.same(await tablesWith(sql, customer), []);
  const closed = { asker: manager, business_id: business, view: 'closed' as const };
  t.equal((await operations['inbox.list']({ user_id: manager, ...closed }, 0)).records.length, 1);
  const empty = await makeConversation(store, business);
  await erase(empty.customer, running);
  t.notOk((await tablesWith(sql, empty.id)).includes('conversations'), 'nothing was said there');
});

t.test('what a manager did in conversations of others tells of nobody', async (t) => {
  const { business, manager } = await makeBusiness(store, { agents: 0 });
  const talks = [await makeConversation(store, business), await makeConversation(store, business)];
  for (const { id, customer } of talks) {
    await appendOk(store, id, [letter(customer, 'help')]);
    await step({ user: manager, id }, 'close');
  }
  const { tasks } = await erase(manager, running);
  const told = tasks.flatMap((task) => (task.task === 'resync' ? task.user_ids : []));
  t.strictSame(told.sort(), talks.map(({ customer }) => customer).sort());
  t.same(await tablesWith(sql, manager), []);
  for (const { id, customer } of talks) {
    const shown = await history(customer, id);
    t.match(shown.at(-1), { sender_id: NOBODY, message_type: 'system' });
    t.match(shown[0], { sender_id: customer, content: 'help' });
  }
});

t.test('who was erased takes part in nothing any more', async (t) => {
  const [ann, bob] = people(2) as [UserId, UserId];
  await erase(ann, running);
  const direct = { type: 'direct' as const, participant_ids: [ann] };
  const refused = { code: 'CONFLICT' };
  const create = (user_id: UserId, conversation: typeof direct) =>
    operations['conversations.create']({ user_id, conversation }, 0);
  await t.rejects(create(bob, direct), refused);
  await t.rejects(create(ann, { ...direct, participant_ids: [bob] }), refused);
  const nobody = { ...direct, participant_ids: [NOBODY] };
  await t.rejects(create(bob, nobody), { code: 'INVALID_REQUEST' });
  const id = await createGroup(store, [bob, ...people(1)]);
  const add = { op: 'conversations.add' as const, conversation_id: id, user_id: bob };
  await t.rejects(operations['conversations.change']({ ...add, user_ids: [ann] }, 0), refused);
  const { business } = await makeBusiness(store, { agents: 0 });
  const of = { asker: 'service' as const, business_id: business };
  const agent = { user_id: ann };
  await t.rejects(operations['businesses.set_agent']({ ...of, agent }, 0), refused);
  await t.rejects(operations['businesses.set_agents']({ ...of, agents: [agent] }, 0), refused);
  await operations['devices.seen']({ items: [[ann, 'phone', 0]] }, 0);
  await t.rejects(operations['push.register'](registrationOf(ann), 0), refused);
  const phone = { user_id: ann, device_id: 'phone', has_queue: true };
  await t.rejects(operations['devices.sign_out'](phone, 0), refused);
  const exported = await operations['users.export']({ user_id: ann, service: 'test' }, 0);
  t.same(exported, { items: [], next_cursor: null }, 'and no record of an export names them');
  t.same(await tablesWith(sql, ann), []);
  t.same(await operations['users.is_erased']({ user_id: ann }, 0), { is_erased: true });
  t.same(await operations['users.is_erased']({ user_id: bob }, 0), { is_erased: false });
});

t.test('an erasure can be asked for again, and nobody can be erased', async (t) => {
  const [ann] = people(1) as [UserId];
  const one = await begin(ann);
  t.same(await begin(ann), one, 'the job under way is meant');
  t.match(await operations['jobs.get'](one, 0), { state: 'running' });
  await runJob(one.job_id, running);
  const again = await erase(ann, running);
  t.not(again.job_id, one.job_id);
  t.match(await operations['jobs.get']({ job_id: again.job_id }, 0), { state: 'done' });
  const hashes = `select count(*)::int as n from erased_users e, jobs j
    where j.job_id = $1 and e.hash = j.subject_hash`;
  const [count] = await sql(hashes, [one.job_id]);
  t.same(count, { n: 1 });
  await t.rejects(begin(NOBODY), { code: 'INVALID_REQUEST' });
  await t.rejects(begin('x' as UserId), { code: 'INVALID_REQUEST' });
  await t.rejects(operations['jobs.get']({ job_id: newId<JobId>() }, 0), { code: 'NOT_FOUND' });
});

t.test("a job is one router's, and a router without the lease changes nothing", async (t) => {
  const [ann] = people(1) as [UserId];
  const { job_id } = await begin(ann);
  const claim = (lease_ms: number) => operations['jobs.claim']({ limit: 100, lease_ms }, 0);
  const one = (await claim(0)).jobs.find((job) => job.job_id === job_id);
  const other = (await claim(60_000)).jobs.find((job) => job.job_id === job_id);
  t.same((await claim(60_000)).jobs, [], 'the job is leased');
  const asked = { job_id, lease_ms: 60_000 };
  const stepOf = (lease: typeof one) =>
    operations['jobs.step']({ ...asked, lease_id: lease?.lease_id as string }, 0);
  t.same(await stepOf(one), { state: 'lost' });
  t.match(await stepOf(other), { state: 'running', tasks: [{ task: 'sign_out' }] });
  const problem = { job_id, lease_id: other?.lease_id as string, code: 'INTERNAL' };
  await operations['jobs.problem'](problem, 0);
  t.same((await claim(60_000)).jobs, [], 'the next try comes later');
  await sql('update jobs set tries = 9, lease_id = $2, state = $3 where job_id = $1', [
    ...[job_id, problem.lease_id, 'running'],
  ]);
  await operations['jobs.problem'](problem, 0);
  t.match(await operations['jobs.get']({ job_id }, 0), { state: 'failed' });
  t.same(await begin(ann), { job_id }, 'it goes on when somebody asks again');
  await runJob(job_id, running);
  t.match(await operations['jobs.get']({ job_id }, 0), { state: 'done' });
});

t.test('the key of the hashes outlives the content key that wrapped it', async (t) => {
  const [ann] = people(1) as [UserId];
  await begin(ann);
  const [k1] = contentKeys as [ContentKey];
  const k2: ContentKey = { id: 'k2', key: randomBytes(32) };
  const open = (...keys: ContentKey[]) => {
    const opened = openStore(url, { keys });
    t.teardown(() => opened.close());
    return opened.operations['users.is_erased']({ user_id: ann }, 0);
  };
  t.same(await open(k2), { is_erased: false }, 'nobody is recognised without the key');
  t.same(await open(k2, k1), { is_erased: true });
  t.same(await open(k2), { is_erased: true }, 'the first key wraps it now');
  t.same(await open(k1, k2), { is_erased: true }, 'and the other one again');
});

t.test('nothing that races with an erasure lands after it', async (t) => {
  const [ann, ...others] = people(6) as [UserId, ...UserId[]];
  const groups = await Promise.all(others.map((other) => createGroup(store, [ann, other])));
  let isOver = false;
  const outcomes = new Set<string>();
  const note = (work: Promise<unknown>) =>
    work.then(
      () => outcomes.add('ok'),
      (error) => outcomes.add(error.code),
    );
  const send = async (id: ConversationId): Promise<void> => {
    while (!isOver) {
      const { results } = await append(store, id, [letter(ann, 'a text')]);
      outcomes.add(codeOf(results[0]) ?? 'ok');
    }
  };
  const create = async (other: UserId): Promise<void> => {
    while (!isOver) {
      const conversation = { type: 'group' as const, participant_ids: [ann] };
      await note(operations['conversations.create']({ user_id: other, conversation }, 0));
      await note(operations['devices.seen']({ items: [[ann, newId<string>(), 0]] }, 0));
      await note(operations['push.register'](registrationOf(ann), 0));
    }
  };
  const racing = [...groups.map(send), ...others.slice(0, 2).map(create)];
  const { tasks } = await erase(ann, running);
  isOver = true;
  await Promise.all(racing);
  t.ok(tasks.filter(({ task }) => task === 'leave').length >= groups.length);
  t.same([...outcomes].sort(), ['CONFLICT', 'NOT_A_PARTICIPANT', 'ok']);
  t.same(await tablesWith(sql, ann), []);
});

function registrationOf(user_id: UserId) {
  const registration = { provider: 'fcm' as const, token: `fcm:${newId<string>()}` };
  return { user_id, device_id: 'phone', issued_at: Date.now(), registration };
}
