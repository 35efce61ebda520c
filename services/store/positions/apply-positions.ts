import type { PositionBatch, PositionItem } from '../../../shared/contracts/positions.ts';
import { streams } from '../../../shared/contracts/subjects.ts';
import type { Bus, JsMsg } from '../../../shared/nats/bus.ts';
import { parseJson } from '../../../shared/nats/parse-json.ts';
import { toKahaError } from '../database/database-error.ts';
import type { Pool } from '../database/pool.ts';
import { raisePositions } from './raise-positions.ts';
import { reducePositions } from './reduce-positions.ts';

/** One pull takes at most this many stream messages; each has at most 1000 items. */
const BATCH_MAX = 20;
/** One update raises at most this many rows; an append may wait that long for its sender's row. */
const UPDATE_ROWS_MAX = 1_000;

/** The consumer writes positions from stream RECEIPTS and acknowledges them after the commit. */
export function startPositions({ bus, pool }: { bus: Bus; pool: Pool }) {
  return bus.consume({
    stream: streams.receipts,
    durable: streams.receiptsDurable,
    batchMax: BATCH_MAX,
    handle: (messages) => applyPositions(pool, messages.flatMap(readItems)),
  });
}

/**
 * All items together raise each position once, to its maximum. The caller repeats the call after
 * DATABASE_UNAVAILABLE.
 */
export async function applyPositions(pool: Pool, items: readonly PositionItem[]): Promise<void> {
  const positions = reducePositions(items);
  try {
    for (let from = 0; from < positions.length; from += UPDATE_ROWS_MAX) {
      await raisePositions(pool, positions.slice(from, from + UPDATE_ROWS_MAX));
    }
  } catch (error) {
    throw toKahaError(error);
  }
}

function readItems(message: JsMsg): PositionItem[] {
  const { items } = parseJson(message.data) as Partial<PositionBatch>;
  return Array.isArray(items) ? items : [];
}
