import t from 'tap';
import { KahaError } from '../../../shared/errors.ts';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import type { AgentStatus } from '../../../shared/protocol/business-requests.ts';
import { BusinessRows } from '../stage/business-rows.ts';
import { setStage } from '../stage/store-stage.ts';

const { store, sql } = await setStage(t);
const rows = new BusinessRows(sql);
const NEVER_SEEN = { offline_since: `'1970-01-01T00:00:00Z'` };

const set = (business_id: BusinessId, user_id: UserId, status: AgentStatus = 'available') =>
  store.operations['businesses.set_status']({ business_id, user_id, status }, 0);
const codeOf = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => 'ok',
    (error) => KahaError.from(error).code,
  );
const newAgent = (id: BusinessId) => rows.agent(id, { status: 'offline' }, NEVER_SEEN);

async function statusOf(user: UserId): Promise<unknown> {
  const [row] = await sql('select status from business_agents where user_id = $1', [user]);
  return row?.status;
}

t.test('many agents who come at once are all available, and their businesses due', async (t) => {
  const agents: { id: BusinessId; user: UserId }[] = [];
  for (let made = 0; made < 50; made += 1) {
    const id = await rows.business();
    for (let n = 0; n < 5; n += 1) agents.push({ id, user: await newAgent(id) });
  }
  await sql('update business_inboxes set due_at = null');
  const answers = await Promise.all(agents.map(({ id, user }) => set(id, user)));
  t.ok(answers.every(({ status, is_available }) => status === 'available' && is_available));
  t.same(await sql(`select user_id from business_agents where status <> 'available'`), []);
  t.same(await sql('select business_id from business_inboxes where due_at is null'), []);
  const [written] = await sql('select count(distinct xmin::text)::int from business_agents');
  t.same(written, { count: 3 }, 'a transaction writes at most 100 of them');
});

t.test('of two changes of one agent at once, the later one stands', async (t) => {
  const id = await rows.business();
  const agent = await newAgent(id);
  const answers = await Promise.all([set(id, agent, 'available'), set(id, agent, 'away')]);
  t.same(answers, [
    { status: 'available', is_available: true },
    { status: 'away', is_available: false },
  ]);
  t.equal(await statusOf(agent), 'away');
});

t.test('who is no agent is refused, and nobody else', async (t) => {
  const [id, elsewhere] = [await rows.business(), await rows.business()];
  const [ann, bob] = [await newAgent(id), await newAgent(elsewhere)];
  const stranger = newId<UserId>();
  const asked = [set(id, ann), set(id, bob), set(id, stranger), set(elsewhere, bob, 'away')];
  t.same(await Promise.all(asked.map(codeOf)), ['ok', 'FORBIDDEN', 'FORBIDDEN', 'ok']);
  t.equal(await statusOf(bob), 'away');
});

t.test('an impossible id, or an agent whose row is locked, fails alone', async (t) => {
  const id = await rows.business();
  const [ann, bob, held] = [await newAgent(id), await newAgent(id), await newAgent(id)];
  const nonsense = set(id, 'nonsense' as UserId);
  t.same(await Promise.all([set(id, ann), nonsense, set(id, bob)].map(codeOf)), [
    ...['ok', 'INVALID_REQUEST', 'ok'],
  ]);
  const client = await store.pool.connect();
  await client.query('begin');
  await client.query('select from business_agents where user_id = $1 for update', [held]);
  const asked = [set(id, ann, 'away'), set(id, held), set(id, bob, 'away')];
  const codes = await Promise.all(asked.map(codeOf));
  await client.query('rollback');
  client.release();
  t.same(codes, ['ok', 'DATABASE_UNAVAILABLE', 'ok']);
});
