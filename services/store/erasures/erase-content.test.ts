import t from 'tap';
import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import type { JobStep } from '../../../shared/contracts/jobs/jobs.ts';
import { KahaError } from '../../../shared/errors.ts';
import {
  type ConversationId,
  type JobId,
  type MessageId,
  newId,
  type UserId,
} from '../../../shared/ids.ts';
import { runJob } from '../stage/job-runner.ts';
import {
  append,
  appendOk,
  codeOf,
  createGroup,
  createTalk,
  letter,
  openStore,
  setStage,
} from '../stage/store-stage.ts';

const stage = await setStage(t);
const { store, sql } = stage;
const { operations } = store;
const running = { store, sql };

const begin = async (conversation_id: ConversationId): Promise<JobId> => {
  const asked = { conversation_id, service: 'test' };
  return (await operations['conversations.erase_content'](asked, 0)).job_id;
};
const history = (user_id: UserId, conversation_id: ConversationId) =>
  operations['messages.history']({ user_id, conversation_id, limit: 200 }, 0);
const recordOf = async (user_id: UserId, conversation_id: ConversationId) =>
  (await operations['conversations.get']({ user_id, conversation_id }, 0)).record;
const keysOf = (id: ConversationId) =>
  sql<{ generation: number; is_there: boolean }>(
    `select generation, wrapped is not null as is_there from content_keys
     where conversation_id = $1 order by 1`,
    [id],
  );
/** Counts the messages that have a text. */
const stored = async (id: ConversationId): Promise<number> => {
  const has = 'content is not null or metadata is not null or deleted_at is null';
  const rows = `select 1 from messages where conversation_id = $1 and (${has})`;
  return (await sql(rows, [id])).length;
};
const statusOf = (job_id: JobId) => operations['jobs.get']({ job_id }, 0);

type Asked = { user_id: UserId; id: ConversationId } & Record<string, unknown>;

function command(op: string, { user_id, id, ...rest }: Asked) {
  const asked = { op, user_id, conversation_id: id, ...rest };
  return operations['conversations.change'](asked as ConversationCommand, 0);
}

async function placed(user_id: UserId, message_id: MessageId) {
  const place = await operations['messages.locate']({ user_id, message_id }, 0);
  return { user_id, message_id, place };
}

/** Ann, Ben and Eve have said, edited, deleted and reacted. */
async function setGroup() {
  const [ann, ben, eve] = [newId<UserId>(), newId<UserId>(), newId<UserId>()];
  const id = await createGroup(store, [ann, ben, eve]);
  await command('conversations.update', {
    user_id: ann,
    id,
    title: 'A title',
    description: 'Words',
  });
  const first = letter(ann, 'one');
  const sent = await appendOk(store, id, [first, letter(ben, 'two'), letter(ann, 'three')]);
  const ids = sent.map(({ message_id }) => message_id);
  const [one, two, three] = ids as [MessageId, MessageId, MessageId];
  const edit = { ...(await placed(ann, one)), content: 'one more' };
  await operations['messages.edit'](edit, 0);
  await operations['messages.react']({ ...(await placed(eve, two)), emoji: '👍' }, 0);
  await operations['messages.delete'](await placed(ann, three), 0);
  const [{ last_seq }] = (await sql(
    'select last_seq from conversations where conversation_id = $1',
    [id],
  )) as [{ last_seq: number }];
  return { id, ann, ben, eve, first, ids, lastSeq: last_seq };
}

t.test('nothing that a conversation has said can be read again, and it goes on', async (t) => {
  const { id, ann, ben, eve, ids, lastSeq } = await setGroup();
  const jobId = await begin(id);
  const tasks = await runJob(jobId, running);
  const everybody = { task: 'resync', user_ids: [ann, ben, eve].sort() };
  t.same(tasks, [everybody, everybody], 'also once nothing is under way any more');
  t.match(await statusOf(jobId), { state: 'done', done: lastSeq + 1, total: lastSeq + 1 });
  for (const user of [ann, ben, eve]) {
    t.match(await history(user, id), { messages: [], first_seq: lastSeq + 1, has_more: false });
    const record = await recordOf(user, id);
    t.match(record, { first_seq: lastSeq + 1, last_seq: lastSeq, unread: 0 });
    for (const gone of ['last_message', 'title', 'description']) t.notOk(gone in record, gone);
  }
  t.same(await keysOf(id), [{ generation: 1, is_there: false }]);
  t.equal(await stored(id), 0);
  for (const table of ['reactions', 'message_revisions']) {
    t.same(await sql(`select 1 from ${table} where message_id = any($1)`, [ids]), [], table);
  }
  const [next] = await appendOk(store, id, [letter(ben, 'afterwards')]);
  t.equal(next?.seq, lastSeq + 1);
  t.match((await history(ann, id)).messages, [{ content: 'afterwards', seq: lastSeq + 1 }]);
  t.match(await recordOf(ann, id), { unread: 1, last_message: { content: 'afterwards' } });
  t.same(await keysOf(id), [
    { generation: 1, is_there: false },
    { generation: 2, is_there: true },
  ]);
});

t.test('from the first step on nobody reads or changes what was said', async (t) => {
  const { id, ann, ben, ids } = await setGroup();
  const [one, two] = ids as [MessageId, MessageId];
  const target = await placed(ann, one);
  const jobId = await begin(id);
  const dies = (step: JobStep) => {
    if (step.state === 'running') throw new Error('dies');
  };
  await t.rejects(runJob(jobId, { ...running, after: dies }), { message: 'dies' });
  t.ok((await stored(id)) > 0, 'the rows are still there');
  t.same((await history(ben, id)).messages, []);
  const gone = { code: 'MESSAGE_NOT_FOUND' };
  await t.rejects(operations['messages.get']({ user_id: ann, message_id: one }, 0), gone);
  await t.rejects(operations['messages.edit']({ ...target, content: 'x' }, 0), gone);
  await t.rejects(operations['messages.react']({ ...target, emoji: '👍' }, 0), gone);
  const reply = { ...letter(ann), reply_to: two };
  t.equal(codeOf((await append(store, id, [reply])).results[0]), 'INVALID_REQUEST');
  t.same((await operations['messages.undelivered']({ user_id: ben }, 0)).messages, []);
  const exported = await operations['users.export']({ user_id: ann, service: 'test' }, 0);
  t.same(
    exported.items.map(({ kind }) => kind),
    ['conversation'],
  );
  await runJob(jobId, running);
  t.match(await statusOf(jobId), { state: 'done' });
});

t.test('a repeat of a send from before is no new message', async (t) => {
  const { id, first, ids, lastSeq } = await setGroup();
  await runJob(await begin(id), running);
  const { results } = await append(store, id, [first]);
  t.match(results, [{ ok: true, message_id: ids[0], duplicate: true }]);
  t.equal(await stored(id), 0);
  t.match(await recordOf(first.user_id, id), { last_seq: lastSeq });
});

t.test('who was added or had left before sees nothing of it either', async (t) => {
  const { id, ann, ben } = await setGroup();
  await command('conversations.remove', { user_id: ben, id, participant_id: ben });
  const tasks = await runJob(await begin(id), running);
  t.ok(tasks.every((task) => task.task === 'resync' && task.user_ids.includes(ben)));
  const zoe = newId<UserId>();
  await command('conversations.add', {
    user_id: ann,
    id,
    user_ids: [ben, zoe],
    share_history: true,
  });
  for (const user of [ben, zoe]) {
    t.match((await history(user, id)).messages, [{ message_type: 'system' }], user);
  }
});

t.test('the devices of who left long ago are left alone', async (t) => {
  const { id, ben } = await setGroup();
  await command('conversations.remove', { user_id: ben, id, participant_id: ben });
  await sql(`update participants set left_at = now() - interval '9 days' where user_id = $1`, [
    ben,
  ]);
  const tasks = await runJob(await begin(id), running);
  t.ok(tasks.every((task) => task.task === 'resync' && !task.user_ids.includes(ben)));
});

t.test(
  'what is said while the job runs stays, unless the erasure is asked for again',
  async (t) => {
    const { id, alice, bina } = await createTalk(store);
    await appendOk(store, id, [letter(alice, 'before')]);
    const jobId = await begin(id);
    const pending: Promise<void>[] = [];
    let said = 0;
    const after = async (): Promise<void> => {
      said += 1;
      await appendOk(store, id, [letter(bina, `during ${said}`)]);
    };
    await runJob(jobId, { ...running, before: () => void pending.push(after()) });
    await Promise.all(pending);
    t.equal((await history(alice, id)).messages.length, 2, 'two tasks were done meanwhile');

    const again = await begin(id);
    t.not(again, jobId, 'a job that is done stays done');
    let isAsked = false;
    const asks = (step: JobStep): void => {
      if (isAsked || step.state !== 'running') return;
      isAsked = true;
      throw new Error('dies');
    };
    await t.rejects(runJob(again, { ...running, after: asks }));
    await appendOk(store, id, [letter(bina, 'to be erased too')]);
    t.equal(await begin(id), again, 'the job that is under way begins anew');
    await runJob(again, running);
    t.same((await history(alice, id)).messages, []);
    t.equal(await stored(id), 0);
  },
);
t.test('a router whose job began anew has lost it', async (t) => {
  const { id } = await setGroup();
  const job_id = await begin(id);
  const { jobs } = await operations['jobs.claim']({ limit: 100, lease_ms: 60_000 }, 0);
  const lease = jobs.find((job) => job.job_id === job_id) as (typeof jobs)[number];
  const asked = { ...lease, lease_ms: 60_000 };
  t.match(await operations['jobs.step'](asked, 0), { state: 'running' });
  await begin(id);
  const record = await sql('select record_seq from jobs where job_id = $1', [job_id]);
  t.same(record, [{ record_seq: null }], 'and is recorded once more');
  t.same(await operations['jobs.step'](asked, 0), { state: 'lost' });
  await runJob(job_id, running);
  t.match(await statusOf(job_id), { state: 'done' });
});

t.test('nothing is erased before NATS has a record of it', async (t) => {
  const { id, alice } = await createTalk(store);
  await appendOk(store, id, [letter(alice, 'before')]);
  let tries = 0;
  const away = openStore(stage.url, {
    async recordErasure() {
      tries += 1;
      throw new KahaError('MESSAGING_UNAVAILABLE', 'NATS is away');
    },
  });
  t.teardown(() => away.close());
  const jobId = await begin(id);
  const code = { code: 'MESSAGING_UNAVAILABLE' };
  await t.rejects(runJob(jobId, { store: away, sql }), code);
  t.equal(tries, 1);
  t.match((await history(alice, id)).messages, [{ content: 'before' }]);
  t.match(await keysOf(id), [{ is_there: true }]);
  const recordOfJob = () => sql('select record_seq from jobs where job_id = $1', [jobId]);
  t.same(await recordOfJob(), [{ record_seq: null }]);
  await runJob(jobId, running);
  t.match(await recordOfJob(), [{ record_seq: Number }]);
  t.same((await history(alice, id)).messages, []);
});

t.test('a store that dies behind its first transaction closes nothing twice', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  await appendOk(store, id, [letter(alice, 'before')]);
  const job_id = await begin(id);
  const { jobs } = await operations['jobs.claim']({ limit: 100, lease_ms: 60_000 }, 0);
  const lease = jobs.find((job) => job.job_id === job_id) as (typeof jobs)[number];
  await operations['jobs.step']({ ...lease, lease_ms: 60_000 }, 0);
  // Only the place is written by the first transaction. The rest is noted after each step.
  await sql('update jobs set step = 0, done = 0, total = 0 where job_id = $1', [job_id]);
  await appendOk(store, id, [letter(bina, 'acknowledged since')]);
  await runJob(job_id, running);
  t.match((await history(alice, id)).messages, [{ content: 'acknowledged since' }]);
});

t.test('a send that races with the erasure is erased, or can be read', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  const other = stage.open();
  const told: string[] = [];
  let isOver = false;
  const say = async (at: typeof store, user: UserId): Promise<void> => {
    while (!isOver) {
      const [sent] = await appendOk(at, id, [letter(user, `${user} ${told.length}`)]);
      told.push(sent?.message_id as string);
    }
  };
  const saying = [say(store, alice), say(other, bina)];
  for (let round = 0; round < 3; round += 1) await runJob(await begin(id), running);
  isOver = true;
  await Promise.all(saying);
  const { first_seq } = await recordOf(alice, id);
  const { messages } = await history(alice, id);
  t.ok(messages.every(({ content }) => content !== undefined));
  const left = await sql<{ message_id: string; seq: number }>(
    `select message_id, seq from messages
     where conversation_id = $1 and content is not null order by seq`,
    [id],
  );
  t.ok(left.every(({ seq }) => seq >= first_seq));
  t.same(
    left.slice(-messages.length).map(({ message_id }) => message_id),
    messages.map(({ message_id }) => message_id),
  );
  t.ok(told.length >= left.length);
});

t.test('texts of before conversations had keys are gone too', async (t) => {
  const { id, alice } = await createTalk(store);
  await appendOk(store, id, [letter(alice, 'one'), letter(alice, 'two')]);
  await sql(`update messages set key_id = 'k1' where conversation_id = $1`, [id]);
  await sql('update conversations set first_seq = 2 where conversation_id = $1', [id]);
  await runJob(await begin(id), running);
  t.equal(await stored(id), 0, 'also what retention had hidden already');
});

t.test('thousands of messages go in short steps', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  await sql(
    `insert into messages
       (conversation_id, seq, sent_at, message_id, sender_id, message_type, key_id)
     select $1, n, now(), gen_random_uuid(), $2, 'text', '@1' from generate_series(1, 4500) n`,
    [id, alice],
  );
  await sql('update conversations set last_seq = 4500 where conversation_id = $1', [id]);
  let kills = 0;
  const jobId = await begin(id);
  const after = (): void => {
    kills += 1;
    if (kills % 2 === 1) throw new Error('dies');
  };
  for (let isDone = false; !isDone; ) {
    isDone = await runJob(jobId, { ...running, after }).then(
      () => true,
      () => false,
    );
  }
  t.equal(await stored(id), 0);
  t.match(await statusOf(jobId), { state: 'done', done: 4_501, total: 4_501 });
  const [next] = await appendOk(store, id, [letter(bina)]);
  t.equal(next?.seq, 4_501);
});

t.test('what tells somebody that they left has no title any more', async (t) => {
  const { id, ben } = await setGroup();
  await sql('delete from outbox');
  await command('conversations.remove', { user_id: ben, id, participant_id: ben });
  const jobId = await begin(id);
  await t.rejects(
    runJob(jobId, {
      ...running,
      after() {
        throw new Error('dies');
      },
    }),
  );
  const rows = await sql<{ payload: { left: object } }>(
    `select payload from outbox where conversation_id = $1 and payload ? 'left'`,
    [id],
  );
  t.equal(rows.length, 1);
  t.notOk(
    'title' in (rows[0]?.payload.left ?? {}) || 'description' in (rows[0]?.payload.left ?? {}),
  );
  await runJob(jobId, running);
});

t.test(
  'a conversation that nobody knows is refused, and one that is gone meanwhile is done',
  async (t) => {
    await t.rejects(begin(newId<ConversationId>()), { code: 'CONVERSATION_NOT_FOUND' });
    await t.rejects(begin('x' as ConversationId), { code: 'INVALID_REQUEST' });
    const { id } = await createTalk(store);
    const jobId = await begin(id);
    await sql('delete from conversations where conversation_id = $1', [id]);
    await runJob(jobId, running);
    t.match(await statusOf(jobId), { state: 'done' });
  },
);
