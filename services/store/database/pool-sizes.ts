/** A process holds at most this many connections, each for one kind of work. */
type PoolSizes = {
  /** Queries, and all writes but those below. */
  queries: number;
  /** One appends, and each of the others waits for the locks of one conversation. */
  appends: number;
  /** Each of them appends to one business conversation at a time. */
  businessSends: number;
  /** One raises what users have read, the other what the stream RECEIPTS tells. */
  positions: number;
};

/** With fewer, queries would wait for each other, and businesses too. */
export const POOL_MAX_MIN = 8;

/** More lanes than this gain nothing: a transaction takes about 5 ms. */
const LANES_MAX = 4;
/** Every fifth connection is a lane of appends, and every fifth one of sends to businesses. */
const LANE_SHARE = 5;
/** From this size on, reads and receipts do not share a connection. */
const TWO_POSITIONS_FROM = 10;

/** A business leaves at least one connection to the others. */
const BUSINESS_SENDS_MIN = 2;

/** Splits `DATABASE_POOL_MAX`, which is at least 8, over all pools of a store. */
export function splitPool(poolMax: number): PoolSizes {
  const lanes = Math.min(Math.max(Math.floor(poolMax / LANE_SHARE), 1), LANES_MAX);
  const positions = poolMax < TWO_POSITIONS_FROM ? 1 : 2;
  const [appends, businessSends] = [1 + lanes, Math.max(lanes, BUSINESS_SENDS_MIN)];
  const queries = poolMax - appends - businessSends - positions;
  return { queries, appends, businessSends, positions };
}
