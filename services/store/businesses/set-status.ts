import { type Kysely, sql, type Transaction } from 'kysely';
import type { Availability, BusinessCommands } from '../../../shared/contracts/businesses.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { AgentPresences } from '../assignment/agent-presence.ts';
import { isAvailable } from '../assignment/availability.ts';
import { writePresence } from '../assignment/correct-agents.ts';
import { makeDue } from '../assignment/make-due.ts';
import { classifyFailure, toKahaError } from '../database/database-error.ts';
import type { Database } from '../database/schema.ts';
import { forbidden } from './business-rights.ts';

type Deps = { db: Kysely<Database>; presences: AgentPresences };
type Change = BusinessCommands['businesses.set_status'][0];
type Waiter = {
  change: Change;
  deadlineAt: number;
  resolve: (answer: Availability) => void;
  reject: (error: KahaError) => void;
};
type Key = `${BusinessId} ${UserId}`;
type SetStatus = (change: Change, deadlineAt: number) => Promise<Availability>;

/** When this many wait, a further one is refused with DATABASE_UNAVAILABLE. */
const WAITING_MAX = 10_000;
const BATCH_MAX = 100;

/**
 * `businesses.set_status` locks the row that gives the user the right, and changes it. A status
 * that is set again keeps its time. Whoever sets a status may never have been seen, so store looks
 * whether they are online. While nobody knows, they count as online. FORBIDDEN refuses others.
 *
 * Thousands of agents come at once, in the morning or when they connect anew. One transaction is in
 * flight, and those who come meanwhile share the next. If one of them makes it fail, each gets a
 * transaction of their own.
 */
export function createSetStatus(deps: Deps): SetStatus {
  let waiting: Waiter[] = [];
  let isRunning = false;
  const run = async (): Promise<void> => {
    isRunning = true;
    try {
      // All that arrive in this turn of the event loop join the first transaction.
      await new Promise((resolve) => setImmediate(resolve));
      while (waiting.length > 0) {
        const { batch, rest } = takeBatch(waiting);
        waiting = rest;
        await settle(deps, batch);
      }
    } finally {
      isRunning = false;
    }
  };
  return (change, deadlineAt) => {
    if (waiting.length >= WAITING_MAX) {
      return Promise.reject(new KahaError('DATABASE_UNAVAILABLE', 'Too many agents wait'));
    }
    return new Promise((resolve, reject) => {
      waiting.push({ change, deadlineAt, resolve, reject });
      if (!isRunning) void run();
    });
  };
}

/** The second of two changes of one agent waits for the next transaction. */
function takeBatch(waiting: readonly Waiter[]): { batch: Waiter[]; rest: Waiter[] } {
  const taken = new Map<Key, Waiter>();
  const rest: Waiter[] = [];
  for (const waiter of waiting) {
    const key = keyOf(waiter.change);
    if (taken.size < BATCH_MAX && !taken.has(key)) taken.set(key, waiter);
    else rest.push(waiter);
  }
  return { batch: [...taken.values()], rest };
}

/** Never rejects. */
async function settle(deps: Deps, batch: readonly Waiter[]): Promise<void> {
  // Who has no deadline asks from within this process.
  const isLate = ({ deadlineAt }: Waiter): boolean => deadlineAt > 0 && deadlineAt < steadyMs();
  const timely = batch.filter((waiter) => !isLate(waiter));
  for (const { reject } of batch.filter(isLate)) reject(new KahaError('TIMEOUT', 'Too late'));
  if (timely.length === 0) return;
  try {
    const changes = timely.map(({ change }) => change);
    const available = await deps.db.transaction().execute((tx) => write(tx, deps, changes));
    for (const { change, resolve, reject } of timely) {
      const is_available = available.get(keyOf(change));
      if (is_available !== undefined) resolve({ status: change.status, is_available });
      else reject(forbidden('Only agents of the business have a status'));
    }
  } catch (error) {
    const isOfOne = ['locked', 'clash', 'data'].includes(classifyFailure(error));
    if (isOfOne && timely.length > 1) {
      for (const waiter of timely) await settle(deps, [waiter]);
      return;
    }
    for (const { reject } of timely) reject(toKahaError(error));
  }
}

/** Returns whether each of the agents is available now. Who is no agent is left out. */
async function write(
  tx: Transaction<Database>,
  { presences }: Deps,
  changes: readonly Change[],
): Promise<Map<Key, boolean>> {
  const businesses = changes.map(({ business_id }) => business_id);
  const users = changes.map(({ user_id }) => user_id);
  const statuses = changes.map(({ status }) => status);
  await sql`select from business_agents where user_id = any(${users}::uuid[])
    order by user_id, business_id for no key update`.execute(tx);
  await sql`update business_agents a set status = c.status,
      status_at = case when a.status = c.status then status_at else now() end
    from unnest(${businesses}::uuid[], ${users}::uuid[], ${statuses}::agent_status[])
      as c (business_id, user_id, status)
    where a.business_id = c.business_id and a.user_id = c.user_id`.execute(tx);
  const changed = await writePresence(tx, presences, { userIds: users, benefit: new Set(users) });
  const { rows } = await sql<Pick<Change, 'business_id' | 'user_id'> & { is_available: boolean }>`
    select a.business_id, a.user_id, ${isAvailable} as is_available
    from unnest(${businesses}::uuid[], ${users}::uuid[]) as c (business_id, user_id)
      join business_agents a using (business_id, user_id)
      join businesses b using (business_id)`.execute(tx);
  const due = [...rows, ...changed].map(({ business_id }) => business_id);
  await makeDue(tx, [...new Set(due)]);
  return new Map(rows.map((row) => [keyOf(row), row.is_available]));
}

function keyOf({ business_id, user_id }: Pick<Change, 'business_id' | 'user_id'>): Key {
  return `${business_id} ${user_id}`;
}
