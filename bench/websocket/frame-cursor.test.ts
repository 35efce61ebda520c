import t from 'tap';
import { FrameCursor, OPCODE } from './frame-cursor.ts';

type Sent = { opcode: number; payload: string; isFinal?: boolean };

function serverFrame({ opcode, payload, isFinal = true }: Sent): Buffer {
  const body = Buffer.from(payload);
  const first = (isFinal ? 0x80 : 0) | opcode;
  if (body.length < 126) return Buffer.concat([Buffer.from([first, body.length]), body]);
  const isShort = body.length <= 0xffff;
  const head = Buffer.alloc(isShort ? 4 : 10);
  head[0] = first;
  head[1] = isShort ? 126 : 127;
  if (isShort) head.writeUInt16BE(body.length, 2);
  else head.writeBigUInt64BE(BigInt(body.length), 2);
  return Buffer.concat([head, body]);
}

/** Reads a stream that arrives in the given pieces, as a connection does. */
function readAll(pieces: readonly Buffer[]): Sent[] {
  const cursor = new FrameCursor();
  const found: Sent[] = [];
  let rest: Buffer | undefined;
  for (const piece of pieces) {
    const whole = rest === undefined ? piece : Buffer.concat([rest, piece]);
    cursor.reset(whole, whole.length);
    while (cursor.next()) {
      const { opcode, isFinal, buffer, from, to } = cursor;
      found.push({ opcode, isFinal, payload: buffer.toString('utf8', from, to) });
    }
    rest = cursor.rest();
  }
  if (rest !== undefined) throw new Error(`${rest.length} bytes are left over`);
  return found;
}

const SENT: Sent[] = [
  { opcode: OPCODE.TEXT, payload: '', isFinal: true },
  { opcode: OPCODE.TEXT, payload: 'short', isFinal: true },
  { opcode: OPCODE.TEXT, payload: 'x'.repeat(125), isFinal: true },
  { opcode: OPCODE.TEXT, payload: 'y'.repeat(126), isFinal: true },
  { opcode: OPCODE.PING, payload: 'p', isFinal: true },
  { opcode: OPCODE.TEXT, payload: 'in three ', isFinal: false },
  { opcode: OPCODE.CONTINUATION, payload: 'pa', isFinal: false },
  { opcode: OPCODE.CONTINUATION, payload: 'rts', isFinal: true },
  { opcode: OPCODE.TEXT, payload: 'ü'.repeat(400), isFinal: true },
  { opcode: OPCODE.CLOSE, payload: '\x0f\x7f', isFinal: true },
];
const STREAM = Buffer.concat(SENT.map(serverFrame));

t.test('a stream cut in two at every byte reads the same', async (t) => {
  for (let cut = 0; cut <= STREAM.length; cut += 1) {
    const found = readAll([STREAM.subarray(0, cut), STREAM.subarray(cut)]);
    if (found.length !== SENT.length) t.fail(`cut at ${cut}: ${found.length} frames`);
  }
  t.same(readAll([STREAM]), SENT);
});

t.test('a stream in random pieces reads the same', async (t) => {
  let seed = 42;
  const random = (max: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % max;
  };
  for (let round = 0; round < 300; round += 1) {
    const pieces: Buffer[] = [];
    for (let at = 0; at < STREAM.length; ) {
      const end = Math.min(STREAM.length, at + 1 + random(1 + random(200)));
      pieces.push(STREAM.subarray(at, end));
      at = end;
    }
    t.same(readAll(pieces), SENT, `round ${round}`);
  }
});

t.test('lengths of 16 and of 64 bits are read', async (t) => {
  for (const length of [65_535, 65_536, 200_000]) {
    const sent = [{ opcode: OPCODE.TEXT, payload: 'z'.repeat(length), isFinal: true }];
    const bytes = serverFrame(sent[0] as Sent);
    t.same(readAll([bytes.subarray(0, 9), bytes.subarray(9, 11), bytes.subarray(11)]), sent);
  }
});

t.test('a frame that a server must not send is an error', async (t) => {
  const cursor = new FrameCursor();
  const read = (...bytes: number[]) => {
    const buffer = Buffer.from(bytes);
    cursor.reset(buffer, buffer.length);
    return cursor.next();
  };
  t.throws(() => read(0x81, 0x85, 1, 2, 3, 4), /masked/);
  t.throws(() => read(0xc1, 0x00), /reserved/);
  t.throws(() => read(0x81, 127, 0x7f, 0, 0, 0, 0, 0, 0, 0), /bytes/);
});
