import t, { type Test } from 'tap';
import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import type { ConversationId, UserId } from '../../../shared/ids.ts';
import { toKahaError } from '../database/database-error.ts';
import { makeBusiness, makeConversation, stepTaker } from '../stage/business-stage.ts';
import { append, letter, setStage } from '../stage/store-stage.ts';

const stage = await setStage(t);
const { store, sql } = stage;
const stores = [store, stage.open(), stage.open()] as const;
/**
 * A lock or a statement took too long, by these SQLSTATEs. That happens on a busy machine, and also
 * in a deadlock.
 */
const TOO_LONG = ['55P03', '57014'];
/** So many of 320 steps may meet it on a busy machine. More would be locks held too long. */
const TOO_LONG_MAX = 3;
// Postgres looks for deadlocks long before a wait for a lock is too long, so it names each of them.
await sql(`do $$ begin execute format('alter database %I set deadlock_timeout = ''100ms''',
  current_database()); end $$`);
const [take, takeElsewhere] = stores.map(stepTaker) as [Taker, Taker, Taker];
type Taker = ReturnType<typeof stepTaker>;
type Scene = Awaited<ReturnType<typeof setScene>>;

async function setScene({ agents = 2, capacity = 5, conversations = 1 } = {}) {
  const made = await makeBusiness(store, { agents, capacity });
  const ids: ConversationId[] = [];
  const customers: UserId[] = [];
  for (let n = 0; n < conversations; n += 1) {
    const { id, customer } = await makeConversation(store, made.business);
    await take({ user: made.manager, id }, 'reopen');
    ids.push(id);
    customers.push(customer);
  }
  return { ...made, ids, customers };
}

type Row = Record<string, unknown> & { state: string; assignee_id: UserId | null };
const rowOf = async (id: ConversationId) =>
  (await sql<Row>('select * from conversations where conversation_id = $1', [id]))[0];

type Answered = { code: string; details?: unknown; cause?: unknown };
const answerOf = (promise: Promise<unknown>): Promise<Answered> =>
  promise.then(() => ({ code: 'ok' }), toKahaError);
/** Names a failure of Postgres by its SQLSTATE. */
const nameOf = ({ code, cause }: Answered): string =>
  (cause as { code?: string } | undefined)?.code ?? code;

/** Finds everything that must hold of a business, whatever was done to it. */
async function assertSound(t: Test, { business }: Pick<Scene, 'business'>): Promise<void> {
  const rows = await sql<Row & { conversation_id: ConversationId; agents: UserId[] }>(
    `select c.*, array(select user_id from participants p where p.left_at is null
        and p.role = 'agent' and p.conversation_id = c.conversation_id) as agents
      from conversations c where business_id = $1`,
    [business],
  );
  const employed = await sql<{ user_id: UserId }>(
    'select user_id from business_agents where business_id = $1',
    [business],
  );
  for (const { agents, state, assignee_id, waiting_since } of rows) {
    t.same(agents, assignee_id === null ? [] : [assignee_id], 'the assignee takes part, alone');
    t.equal(state === 'assigned', assignee_id !== null);
    t.equal(state === 'waiting', waiting_since !== null);
    if (assignee_id !== null) t.ok(employed.some(({ user_id }) => user_id === assignee_id));
  }
  await assertLogged(t, business, rows);
}

/** The log has each version once, and what it says last of a conversation is how it stands. */
async function assertLogged(
  t: Test,
  business: string,
  rows: readonly (Row & { conversation_id: ConversationId })[],
): Promise<void> {
  type Logged = {
    version: number;
    conversation_id: ConversationId;
    agent_id: UserId | null;
    from_agent_id: UserId | null;
    at: string;
  };
  const log = await sql<Logged>(
    'select * from business_steps where business_id = $1 order by version',
    [business],
  );
  t.equal(new Set(log.map(({ version }) => version)).size, log.length);
  t.same(
    log.map(({ at }) => at),
    log.map(({ at }) => at).sort(),
    'the times have the order of the versions',
  );
  const holders = new Map<ConversationId, UserId | null>();
  for (const { conversation_id: id, agent_id, from_agent_id } of log) {
    t.equal(holders.get(id) ?? null, from_agent_id, 'who loses it had it');
    holders.set(id, agent_id);
  }
  for (const { conversation_id, assignee_id } of rows) {
    t.equal(holders.get(conversation_id) ?? null, assignee_id);
  }
}

t.test('of two agents who take the same one, the other is told who was faster', async (t) => {
  for (let round = 0; round < 20; round += 1) {
    const scene = await setScene();
    const [id] = scene.ids as [ConversationId];
    const [ann, bob] = scene.agents as [UserId, UserId];
    const [first, second] = await Promise.all([
      answerOf(take({ user: ann, id }, 'assign')),
      answerOf(takeElsewhere({ user: bob, id }, 'assign')),
    ]);
    const winner = first.code === 'ok' ? ann : bob;
    t.match(first.code === 'ok' ? second : first, {
      code: 'CONFLICT',
      details: { assignee_id: winner },
    });
    t.match(await rowOf(id), { state: 'assigned', assignee_id: winner });
    await assertSound(t, scene);
  }
});

t.test('twenty racing assignments fill the places of an agent, and no more', async (t) => {
  const scene = await setScene({ capacity: 7, conversations: 20 });
  const [ann] = scene.agents as [UserId];
  await sql("update business_agents set status = 'available', offline_since = null");
  const { business, manager, ids } = scene;
  const answers = await Promise.all(
    ids.map((id, n) => {
      const at = stores[n % stores.length] as (typeof stores)[number];
      if (n % 3 === 0) return answerOf(stepTaker(at)({ user: ann, id }, 'assign'));
      const rest = { agent_id: ann };
      if (n % 3 === 1) return answerOf(stepTaker(at)({ user: manager, id }, 'assign', rest));
      const op = 'conversations.assign_waiting';
      const command = { op, user_id: business, conversation_id: id, version: 2, ...rest } as object;
      return answerOf(at.operations['conversations.change'](command as ConversationCommand, 0));
    }),
  );
  t.equal(answers.filter(({ code }) => code === 'ok').length, 7);
  const byHand = answers.filter((answer, n) => answer.code !== 'ok' && n % 3 !== 2);
  for (const refused of byHand) {
    t.match(refused, { code: 'CONFLICT', details: { capacity: 7, open: 7 } });
  }
  const log = await sql<{ open: number }>(
    'select open from business_steps where business_id = $1 and agent_id = $2 order by version',
    [business, ann],
  );
  t.same(
    log.map(({ open }) => open),
    [1, 2, 3, 4, 5, 6, 7],
  );
  await assertSound(t, scene);
});

t.test('a close that races a transfer or a release leaves one of their states', async (t) => {
  for (let round = 0; round < 20; round += 1) {
    const scene = await setScene();
    const { manager, agents } = scene;
    const [id] = scene.ids as [ConversationId];
    const [ann, bob] = agents as [UserId, UserId];
    await take({ user: ann, id }, 'assign');
    const [closed, moved] = await Promise.all([
      answerOf(take({ user: ann, id }, 'close')),
      round % 2 === 0
        ? answerOf(takeElsewhere({ user: manager, id }, 'assign', { agent_id: bob }))
        : answerOf(takeElsewhere({ user: manager, id }, 'release')),
    ]);
    const outcome = [closed.code, moved.code, (await rowOf(id))?.state].join(' ');
    const possible = [
      'ok CONFLICT closed', // The close came first.
      'NOT_A_PARTICIPANT ok assigned', // The agent had lost it by then.
      'FORBIDDEN ok waiting',
    ];
    t.ok(possible.includes(outcome), outcome);
    await assertSound(t, scene);
  }
});

t.test('whatever people do at once, each conversation has one agent or none', async (t) => {
  const scene = await setScene({ agents: 4, capacity: 3, conversations: 8 });
  const { business, manager, agents, ids, customers } = scene;
  const pick = <Item>(items: readonly Item[]): Item =>
    items[Math.floor(Math.random() * items.length)] as Item;
  const steps = [
    () => take({ user: pick(agents), id: pick(ids) }, 'assign'),
    () => takeElsewhere({ user: manager, id: pick(ids) }, 'assign', { agent_id: pick(agents) }),
    () => takeElsewhere({ user: pick(agents), id: pick(ids) }, 'release'),
    () => take({ user: manager, id: pick(ids) }, 'close'),
    () => takeElsewhere({ user: manager, id: pick(ids) }, 'reopen'),
    () => {
      const n = Math.floor(Math.random() * ids.length);
      return append(pick(stores), ids[n] as ConversationId, [letter(customers[n] as UserId)]);
    },
    () => append(pick(stores), pick(ids), [letter(pick(agents))]),
    () => {
      const of = { asker: manager, business_id: business, user_id: pick(agents) };
      return pick(stores).operations['businesses.remove_agent'](of, 0);
    },
    () => {
      const of = { asker: manager, business_id: business, agent: { user_id: pick(agents) } };
      return pick(stores).operations['businesses.set_agent'](of, 0);
    },
  ];
  const codes: string[] = [];
  const worker = async (): Promise<void> => {
    for (let n = 0; n < 40; n += 1) codes.push(nameOf(await answerOf(pick(steps)())));
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  const known = ['ok', 'CONFLICT', 'FORBIDDEN', 'NOT_A_PARTICIPANT', 'INVALID_REQUEST'];
  t.same(
    codes.filter((code) => ![...known, ...TOO_LONG, 'NOT_FOUND'].includes(code)),
    [],
    'nothing deadlocks',
  );
  const tooLong = codes.filter((code) => TOO_LONG.includes(code)).length;
  t.ok(tooLong <= TOO_LONG_MAX, `${tooLong} of ${codes.length} steps took too long`);
  await assertSound(t, scene);
});

t.test('the database refuses a state that does not fit the agent', async (t) => {
  const { ids, agents } = await setScene();
  const [id] = ids as [ConversationId];
  for (const set of [
    `assignee_id = '${agents[0]}'`,
    "state = 'assigned'",
    "state = 'closed'",
    'state = null',
    'waiting_since = null',
    "type = 'direct'",
  ]) {
    await t.rejects(sql(`update conversations set ${set} where conversation_id = $1`, [id]), {
      code: '23514',
    });
  }
});
