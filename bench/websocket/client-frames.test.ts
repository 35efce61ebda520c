import t from 'tap';
import { ackFrame, closeFrame, textFrame } from './client-frames.ts';

const bytesOf = (frame: string): Buffer => Buffer.from(frame, 'latin1');

t.test('a text frame is final, masked by a key of zeros, and holds its payload', async (t) => {
  t.same(bytesOf(textFrame('hi')), Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
  t.equal(bytesOf(ackFrame(12)).subarray(6).toString(), '{"type":"ack","q":12}');
});

t.test('from 126 bytes on, the length takes two more bytes', async (t) => {
  t.same(bytesOf(textFrame('x'.repeat(125))).subarray(0, 2), Buffer.from([0x81, 0x80 | 125]));
  const long = bytesOf(textFrame('x'.repeat(300)));
  t.same(long.subarray(0, 8), Buffer.from([0x81, 0x80 | 126, 1, 44, 0, 0, 0, 0]));
  t.equal(long.length, 308);
  t.throws(() => textFrame('x'.repeat(65_536)), RangeError);
});

t.test('a close frame holds its code', async (t) => {
  t.same(bytesOf(closeFrame(1000)), Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]));
});
