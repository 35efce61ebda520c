import type { JsMsg } from 'nats';

/**
 * A batch of the feed is one of these to a reader that has done with all batches up to `done`.
 * - `next` follows, and is to be handled.
 * - `known` comes again, because its acknowledgement was lost. It is only acknowledged.
 * - `gap` follows batches that the reader never got, because EVENTS dropped them.
 *
 * A number that is too low is a gap too, unless EVENTS stored that batch no later than the last one
 * that the reader has done with: NATS has lost the end of the stream, or all of it, and gives the
 * numbers a second time. The first batch of a reader that has done with none is a gap.
 */
type Judgement = 'next' | 'known' | 'gap';

/** A bookmark of an earlier version has no time. */
type Done = { seq?: number; stored_at?: string };
type Batch = Pick<JsMsg, 'seq' | 'redelivered'> & { info: Pick<JsMsg['info'], 'timestampNanos'> };

export function judgeSequence({ seq: done, stored_at }: Done, batch: Batch): Judgement {
  if (done === undefined) return 'gap';
  if (batch.seq === done + 1) return 'next';
  const isOld = stored_at !== undefined && storedAt(batch) <= stored_at;
  return batch.redelivered && batch.seq <= done && isOld ? 'known' : 'gap';
}

/** Returns the time at which EVENTS stored the batch, ISO 8601 in UTC. */
export function storedAt({ info }: Pick<Batch, 'info'>): string {
  return new Date(info.timestampNanos / 1e6).toISOString();
}
