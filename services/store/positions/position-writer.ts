import type { Logger } from '../../../shared/process/logger.ts';
import { LEAN_PLANS } from '../append/append-writer.ts';
import { createPool, type Pool } from '../database/pool.ts';
import { ReadCommit } from './read-commit.ts';
import { readPositions } from './read-positions.ts';

type PositionWriter = { pool: Pool; reads: ReadCommit; close(): Promise<void> };

/** One connection serves `positions.read`, the other one the stream RECEIPTS. */
const CONNECTIONS_MAX = 2;

/**
 * The writer holds the connections that raise positions. They are apart from the connections of
 * queries, so that neither raises nor queries wait long for the other.
 */
export function openPositionWriter({ url, logger }: { url: string; logger: Logger }) {
  const pool = createPool({ url, max: CONNECTIONS_MAX, settings: LEAN_PLANS, logger });
  const reads = new ReadCommit((batch) => readPositions(pool, batch));
  const writer: PositionWriter = { pool, reads, close: () => pool.end() };
  return writer;
}
