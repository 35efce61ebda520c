import { classifyFailure } from '../database/database-error.ts';
import { loadOutboxEntries, type OwedRow } from './outbox-entries.ts';

type Deps = Parameters<typeof loadOutboxEntries>[0];
type Loaded = Awaited<ReturnType<typeof loadOutboxEntries>>;

/** Loading in halves goes on for at most this long, so that the caller still gets the reply. */
const HALVES_MS = 1_000;

/**
 * The call loads rows as `loadOutboxEntries` does. If a statement that loads them all fails because
 * of what one of them names, the rows are loaded in halves, until the row that is at fault is alone
 * and `unreadable`. The rows for which no time is left are neither: they stay leased.
 */
export async function loadReadable(
  deps: Deps,
  rows: readonly OwedRow[],
  endsAtMs = performance.now() + HALVES_MS,
): Promise<Loaded> {
  const none: Loaded = { entries: [], void: [], unreadable: [] };
  if (rows.length === 0) return none;
  try {
    return await loadOutboxEntries(deps, rows);
  } catch (error) {
    const failure = classifyFailure(error);
    if (failure !== 'data' && failure !== 'bug') throw error;
    const [first] = rows;
    if (first !== undefined && rows.length === 1) return { ...none, unreadable: [first.event_id] };
    const middle = rows.length >> 1;
    const loaded = none;
    for (const half of [rows.slice(0, middle), rows.slice(middle)]) {
      if (performance.now() >= endsAtMs) break;
      const { entries, void: voided, unreadable } = await loadReadable(deps, half, endsAtMs);
      loaded.entries.push(...entries);
      loaded.void.push(...voided);
      loaded.unreadable.push(...unreadable);
    }
    return loaded;
  }
}
