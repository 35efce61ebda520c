import { steadyMs } from '../../../shared/process/clock.ts';
import { classifyFailure } from '../database/database-error.ts';
import { type Loaded, loadOutboxEntries } from './outbox-entries.ts';
import type { OwedRow } from './to-entry.ts';

type Deps = Parameters<typeof loadOutboxEntries>[0];

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
  endsAtMs = steadyMs() + HALVES_MS,
): Promise<Loaded> {
  const all: Loaded = { entries: [], gone: [], unreadable: [] };
  if (rows.length === 0) return all;
  try {
    return await loadOutboxEntries(deps, rows);
  } catch (error) {
    const failure = classifyFailure(error);
    if (failure !== 'data' && failure !== 'bug') throw error;
    const [first] = rows;
    if (first !== undefined && rows.length === 1) return { ...all, unreadable: [first.event_id] };
    const middle = rows.length >> 1;
    for (const half of [rows.slice(0, middle), rows.slice(middle)]) {
      if (steadyMs() >= endsAtMs) break;
      const { entries, gone, unreadable } = await loadReadable(deps, half, endsAtMs);
      all.entries.push(...entries);
      all.gone.push(...gone);
      all.unreadable.push(...unreadable);
    }
    return all;
  }
}
