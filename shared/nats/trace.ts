import { randomBytes } from 'node:crypto';

/**
 * Trace ids follow W3C trace context. Each id is a part that is random for the process, and a
 * counter: it is unique, and costs nearly nothing on the hot path. The flag is 00 (not sampled),
 * because there is no collector: the id only ties the log lines of a request together.
 */
const processPart = randomBytes(8).toString('hex');
const spanPart = randomBytes(4).toString('hex');
let counter = 0;

/** Makes a `traceparent`: `00-<32 hex>-<16 hex>-00`. */
export function newTraceparent(): string {
  counter = (counter + 1) % 0xffffffff;
  const number = counter.toString(16).padStart(8, '0');
  return `00-${processPart}00000000${number}-${spanPart}${number}-00`;
}
