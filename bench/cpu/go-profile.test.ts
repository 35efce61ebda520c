import t from 'tap';
import { goSamples } from './go-profile.ts';

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...varint(Math.floor(value / 0x80))];
}

function number(field: number, value: number): number[] {
  return [...varint(field * 8), ...varint(value)];
}

function bytes(field: number, value: readonly number[]): number[] {
  return [...varint(field * 8 + 2), ...varint(value.length), ...value];
}

function text(value: string): number[] {
  return bytes(6, [...Buffer.from(value)]);
}

const STRINGS = ['', 'runtime.gcBgMarkWorker', 'server.(*client).readLoop', 'syscall.read'];

/** Each location has one function of the same number, except that 9 has two of them. */
function profileOf(...samples: number[][]): Uint8Array {
  const functions = [1, 2, 3].map((id) => bytes(5, [...number(1, id), ...number(2, id)]));
  const line = (id: number): number[] => bytes(4, number(1, id));
  const locations = [1, 2, 3].map((id) => bytes(4, [...number(1, id), ...line(id)]));
  const inlined = bytes(4, [...number(1, 9), ...line(3), ...line(2)]);
  return Uint8Array.from([
    ...samples.flat(),
    ...[...functions, ...locations].flat(),
    ...inlined,
    ...STRINGS.flatMap(text),
  ]);
}

t.test('a sample is of its innermost function, and the outermost of the program began it', (t) => {
  const packed = bytes(2, [...bytes(1, [3, 2, 1]), ...bytes(2, [...varint(4), ...varint(40_000)])]);
  const single = bytes(2, [...number(1, 1), ...number(2, 1), ...number(2, 10_000)]);
  const inlined = bytes(2, [...number(1, 9), ...number(2, 1), ...number(2, 2_000)]);
  t.same(goSamples(profileOf(packed, single, inlined), 'server.'), [
    { us: 40, what: 'syscall.read', starter: 'server.(*client).readLoop' },
    { us: 10, what: 'runtime.gcBgMarkWorker', starter: "Go's runtime by itself" },
    { us: 2, what: 'syscall.read', starter: 'server.(*client).readLoop' },
  ]);
  t.end();
});

t.test('bytes that are no profile are refused', async (t) => {
  t.throws(() => goSamples(Uint8Array.from([0x80]), ''), /ends within a number/);
  t.throws(() => goSamples(Uint8Array.from([0x0d, 1, 2, 3, 4]), ''), /wire type 5/);
  t.throws(() => goSamples(Uint8Array.from([0x12, 9, 1]), ''), /wire type 2/);
});
