/**
 * JetStream describes a delivery in its reply subject:
 * `$JS.ACK.<stream>.<consumer>.<times>.<stream seq>.<consumer seq>.<stored, ns>.<pending>`. Newer
 * servers put two more tokens behind `$JS.ACK`, and one at the end.
 */
const V1_TOKENS = 9;
const STORED_AT = 7;
const PENDING = 8;
const NS_PER_MS = 1e6;

/** Tells whether the queue had nothing more to send. */
export function isLastOf(ackSubject: string): boolean {
  return tokenOf(ackSubject, PENDING) === '0';
}

/** Returns when the stream stored the event, in epoch ms. */
export function storedAtOf(ackSubject: string): number {
  return Number(tokenOf(ackSubject, STORED_AT)) / NS_PER_MS;
}

function tokenOf(ackSubject: string, index: number): string | undefined {
  const tokens = ackSubject.split('.');
  return tokens[tokens.length === V1_TOKENS ? index : index + 2];
}
