import { randomBytes } from 'node:crypto';

/**
 * W3C trace context. Ids are a random process part and a counter: unique, and free on the hot path.
 * The flag is 00, not sampled: there is no collector; the id ties a request's log lines together.
 */
const processPart = randomBytes(8).toString('hex');
const spanPart = randomBytes(4).toString('hex');
let counter = 0;

/** A new `traceparent`: `00-<32 hex>-<16 hex>-00`. */
export function newTraceparent(): string {
  counter = (counter + 1) % 0xffffffff;
  const number = counter.toString(16).padStart(8, '0');
  return `00-${processPart}00000000${number}-${spanPart}${number}-00`;
}
