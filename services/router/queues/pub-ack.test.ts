import t from 'tap';
import { readPubAck } from './pub-ack.ts';

const read = (text: string) => readPubAck(Buffer.from(text));

t.test('the number is read from the usual answer, however it is spaced', async (t) => {
  t.same(read('{"stream":"QUEUE_7", "seq":17}'), { seq: 17, isRepeat: false });
  t.same(read('{"stream":"QUEUE_7","seq":900719925474099}'), {
    seq: 900_719_925_474_099,
    isRepeat: false,
  });
  t.same(read('{"stream":"QUEUE_7","seq": 17}'), { seq: 17, isRepeat: false });
  t.same(read('{"stream":"QUEUE_7","seq":9007199254740991}'), {
    seq: Number.MAX_SAFE_INTEGER,
    isRepeat: false,
  });
});

t.test('a repeat and an answer with more fields are read too', async (t) => {
  t.same(read('{"stream":"QUEUE_7","seq":17,"duplicate": true}'), { seq: 17, isRepeat: true });
  t.same(read('{"stream":"QUEUE_7","domain":"hub","seq":17}'), { seq: 17, isRepeat: false });
  t.same(read('{"stream":"QUEUE_7","seq":17,"domain":"hub"}'), { seq: 17, isRepeat: false });
});

t.test('a refusal is none of them, although it has a number too', async (t) => {
  const error = { code: 503, err_code: 10077, description: 'maximum bytes exceeded' };
  t.same(readPubAck(Buffer.from(JSON.stringify({ error, stream: 'QUEUE_7', seq: 0 }))), { error });
  t.same(readPubAck(Buffer.from(JSON.stringify({ error, stream: 'QUEUE_7', seq: 7 }))), { error });
});

t.test('what is no answer of JetStream throws', async (t) => {
  for (const text of ['', '}', '5}', '"seq":5}', 'no JSON']) t.throws(() => read(text), text);
});
