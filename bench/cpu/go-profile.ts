import type { Sample } from './cost-summary.ts';

/**
 * These are the field numbers of a profile as programs in Go write it (google/pprof,
 * `profile.proto`), and of the messages in it.
 */
const PROFILE = { SAMPLE: 2, LOCATION: 4, FUNCTION: 5, STRING: 6 };
const SAMPLE = { LOCATIONS: 1, VALUES: 2 };
const LOCATION = { ID: 1, LINE: 4 };
const LINE = { FUNCTION: 1 };
const FUNCTION = { ID: 1, NAME: 2 };

const WIRE_VARINT = 0;
const WIRE_BYTES = 2;
const NS_PER_US = 1_000;
const NOT_OWN = "Go's runtime by itself";

type Field = { number: number; value: number; bytes: Uint8Array | undefined };

/**
 * Returns the samples of a CPU profile of a program in Go. The starter is the outermost function
 * whose name has `own` in it. Throws where the bytes are no such profile.
 */
export function goSamples(profile: Uint8Array, own: string): Sample[] {
  const fields = fieldsOf(profile);
  const all = (number: number): Uint8Array[] =>
    fields.flatMap((field) => (field.number === number && field.bytes ? [field.bytes] : []));
  const strings = all(PROFILE.STRING).map((bytes) => Buffer.from(bytes).toString('utf8'));
  const names = new Map(
    all(PROFILE.FUNCTION).map((bytes) => {
      const { [FUNCTION.ID]: id, [FUNCTION.NAME]: name } = numbersOf(fieldsOf(bytes));
      return [id, strings[name ?? 0] ?? ''] as const;
    }),
  );
  const stacks = new Map(
    all(PROFILE.LOCATION).map((bytes) => {
      const parts = fieldsOf(bytes);
      return [numbersOf(parts)[LOCATION.ID], namesAt(parts, names)] as const;
    }),
  );
  return all(PROFILE.SAMPLE).map((bytes) => sampleOf(fieldsOf(bytes), stacks, own));
}

/** A location has several functions, the innermost first, where some were inlined. */
function namesAt(location: readonly Field[], names: ReadonlyMap<number | undefined, string>) {
  return location.flatMap(({ number, bytes }) => {
    if (number !== LOCATION.LINE || bytes === undefined) return [];
    return [names.get(numbersOf(fieldsOf(bytes))[LINE.FUNCTION]) ?? ''];
  });
}

/** The second value is the CPU time in nanoseconds; the first counts the samples. */
function sampleOf(
  fields: readonly Field[],
  stacks: ReadonlyMap<number | undefined, readonly string[]>,
  own: string,
): Sample {
  const [locations, values] = [SAMPLE.LOCATIONS, SAMPLE.VALUES].map((number) =>
    fields.filter((field) => field.number === number).flatMap(repeated),
  );
  const stack = (locations ?? []).flatMap((id) => stacks.get(id) ?? []);
  return {
    us: (values?.[1] ?? 0) / NS_PER_US,
    what: stack[0] ?? '',
    starter: stack.findLast((name) => name.includes(own)) ?? NOT_OWN,
  };
}

/** A profile holds repeated numbers either as one field each, or packed into one field. */
function repeated({ value, bytes }: Field): number[] {
  if (bytes === undefined) return [value];
  const numbers: number[] = [];
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) numbers.push(varint(bytes, cursor));
  return numbers;
}

function numbersOf(fields: readonly Field[]): Record<number, number> {
  return Object.fromEntries(fields.map(({ number, value }) => [number, value]));
}

function fieldsOf(message: Uint8Array): Field[] {
  const fields: Field[] = [];
  const cursor = { at: 0 };
  while (cursor.at < message.length) {
    const tag = varint(message, cursor);
    const [number, wire] = [Math.floor(tag / 8), tag % 8];
    const value = varint(message, cursor);
    if (wire === WIRE_VARINT) fields.push({ number, value, bytes: undefined });
    else if (wire === WIRE_BYTES && cursor.at + value <= message.length) {
      fields.push({ number, value, bytes: message.subarray(cursor.at, cursor.at + value) });
      cursor.at += value;
    } else throw new Error(`no profile: a field of wire type ${wire}`);
  }
  return fields;
}

/**
 * Numbers beyond 2^53 lose their lowest bits: only addresses are that high, and nothing here reads
 * addresses.
 */
function varint(bytes: Uint8Array, cursor: { at: number }): number {
  let [value, factor] = [0, 1];
  for (;;) {
    const byte = bytes[cursor.at];
    if (byte === undefined) throw new Error('no profile: it ends within a number');
    cursor.at += 1;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
    factor *= 0x80;
  }
}
