import { parseJson } from '../../../shared/nats/parse-json.ts';

type Refusal = { err_code: number; description: string };
/** The stream stored the event with this number, or had stored it before (`isRepeat`). */
type PubAck = { seq: number; isRepeat: boolean; error?: undefined } | { error: Refusal };

type Wire = { seq: number; duplicate?: boolean; error?: Refusal };

const [ZERO, NINE, BRACE] = [0x30, 0x39, 0x7d];
const START = Buffer.from('{"stream":');
const SEQ = Buffer.from('"seq":');
/** A double has all whole numbers of this many digits. */
const DIGITS_MAX = 15;

/**
 * Reads JetStream's answer to a publish. Nearly all answers are `{"stream":"QUEUE_7", "seq":17}`,
 * and their number is read from the bytes: parsing JSON would cost four times as much. Throws what
 * `parseJson` throws if the answer is not JSON.
 */
export function readPubAck(data: Uint8Array): PubAck {
  const seq = usualSeq(data);
  if (seq > 0) return { seq, isRepeat: false };
  const { error, duplicate, seq: given } = parseJson(data) as Wire;
  return error === undefined ? { seq: given, isRepeat: duplicate === true } : { error };
}

/** Returns the number in an answer of the usual shape, or 0. */
function usualSeq(data: Uint8Array): number {
  const end = data.length - 1;
  let at = end - 1;
  let seq = 0;
  let place = 1;
  for (; at > 0 && end - at <= DIGITS_MAX; at -= 1) {
    const byte = data[at] as number;
    if (byte < ZERO || byte > NINE) break;
    seq += (byte - ZERO) * place;
    place *= 10;
  }
  const isUsual = data[end] === BRACE && endsWith(data, SEQ, at + 1) && startsWith(data, START);
  return isUsual ? seq : 0;
}

function startsWith(data: Uint8Array, part: Uint8Array): boolean {
  return endsWith(data, part, part.length);
}

/** Tells whether `part` stands in front of the index `end`. */
function endsWith(data: Uint8Array, part: Uint8Array, end: number): boolean {
  const start = end - part.length;
  if (start < 0 || end > data.length) return false;
  for (let index = 0; index < part.length; index += 1) {
    if (data[start + index] !== part[index]) return false;
  }
  return true;
}
