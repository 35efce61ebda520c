/**
 * JetStream describes a delivery in its reply subject:
 * `$JS.ACK.<stream>.<consumer>.<times>.<stream seq>.<consumer seq>.<stored, ns>.<pending>`. Newer
 * servers put two more tokens behind `$JS.ACK`, and one at the end.
 */
const V1_TOKENS = 9;
const TIMES = 4;
const STREAM_SEQ = 5;
const STORED_AT = 7;
const PENDING = 8;
const NS_PER_MS = 1e6;

export type QueueDelivery = {
  /** The queue sends the event for the first time. */
  isFirst: boolean;
  /** The stream gave the event this number. */
  seq: number;
  /** The stream stored the event at this time, in epoch ms. */
  storedAtMs: number;
  /** The queue has this many events that it has not sent yet. */
  pending: number;
};

/** Reads what JetStream says of a delivery. */
export function readDelivery(ackSubject: string): QueueDelivery {
  const tokens = ackSubject.split('.');
  const shift = tokens.length === V1_TOKENS ? 0 : 2;
  return {
    isFirst: tokens[TIMES + shift] === '1',
    seq: Number(tokens[STREAM_SEQ + shift]),
    storedAtMs: Number(tokens[STORED_AT + shift]) / NS_PER_MS,
    pending: Number(tokens[PENDING + shift]),
  };
}
