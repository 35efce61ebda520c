import type { Expired } from '../../../shared/contracts/store-ops.ts';
import type { StoreParts } from './store-stage.ts';

type Sql = (text: string, values?: unknown[]) => Promise<unknown>;
const DAY_MS = 86_400_000;
const COUNTS = ['messages', 'keys', 'reactions', 'revisions'] as const;

/** The clock of Postgres has been where it is for long, so what is old may go. */
export async function trustClock(sql: Sql, day: number): Promise<void> {
  await sql(
    `insert into expiry_clock (seen_at, steady_since) values ($1, 'epoch')
      on conflict (is_only) do update set seen_at = $1, steady_since = 'epoch'`,
    [timeOf(day)],
  );
}

/** Asks for one step, on a day from now on. */
export function expireOnce({ operations }: StoreParts, day: number, limit = 500): Promise<Expired> {
  return operations['retention.expire']({ asked_at: timeOf(day), limit }, 0);
}

/** Asks until nothing is left, and returns what went in all. */
export async function expireAll(store: StoreParts, day: number, limit = 500) {
  const all = { messages: 0, keys: 0, reactions: 0, revisions: 0, marked: [] as string[] };
  for (;;) {
    const done = await expireOnce(store, day, limit);
    if (done.held !== undefined) throw new Error(done.held);
    for (const what of COUNTS) all[what] += done[what];
    all.marked.push(...done.marked);
    if (!done.left) return all;
  }
}

function timeOf(day: number): string {
  return new Date(Date.now() + day * DAY_MS).toISOString();
}
