import t from 'tap';
import { readFrame } from './frame-reader.ts';

function read(text: string) {
  const { buffer, byteOffset, length } = Buffer.from(text);
  return readFrame(buffer.slice(byteOffset, byteOffset + length) as ArrayBuffer, false);
}

t.test(
  'a frame whose id a double cannot keep is refused, and no other id is answered',
  async (t) => {
    for (const id of [
      '9007199254740992',
      '9007199254740993',
      '-9007199254740993',
      '1e400',
      '1e16',
    ]) {
      const { isGood, asked } = read(`{"type":"ping","id":${id}}`);
      t.notOk(isGood, id);
      t.equal(asked.id, undefined, id);
    }
    for (const id of [9007199254740991, -9007199254740991, 0, 'x']) {
      const { isGood, asked } = read(JSON.stringify({ type: 'ping', id }));
      t.ok(isGood);
      t.equal(asked.id, id);
    }
  },
);

t.test('a frame with a bad number elsewhere is refused under its own id', async (t) => {
  for (const bad of ['9007199254740993', '1e400']) {
    const reading = read(`{"type":"message","id":7,"metadata":{"a":[${bad}]}}`);
    t.notOk(reading.isGood, bad);
    t.equal(reading.asked.id, 7);
  }
});

t.test('a frame that begins with a byte order mark is refused', async (t) => {
  t.notOk(read('\ufeff{"type":"ping"}').isGood);
});
