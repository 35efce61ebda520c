import t from 'tap';
import { isUuidV4 } from '../../shared/ids.ts';
import { MessageKeys } from '../traffic/message-key.ts';
import { fieldStart, headOf, numberField, typeOf } from './frame-text.ts';

const keys = new MessageKeys();
const message = (fields: object): string => {
  const buffer = Buffer.from(JSON.stringify(fields));
  return headOf({ buffer, from: 0, to: buffer.length });
};

t.test('the type is found first or behind q, not deeper', async (t) => {
  t.equal(typeOf('{"type":"auth_ok","user_id":"a"}'), 'auth_ok');
  t.equal(typeOf('{"q":123456789012,"type":"message","seq":3}'), 'message');
  t.equal(typeOf(message({ data: { much: 'x'.repeat(40), type: 'no' } })), '');
});

t.test('numbers are read as JSON.parse reads them', async (t) => {
  for (const value of [0, 7, 10, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
    t.equal(numberField(message({ a: 1, seq: value, b: 2 }), '"seq":'), value);
  }
  t.equal(numberField('{"other":5}', '"seq":'), -1);
  t.equal(numberField('{"seq":"5"}', '"seq":'), -1);
});

t.test('a key inside a string is not taken for a key', async (t) => {
  const text = message({ content: '"seq":99 and "q":5', seq: 4, q: 2 });
  t.equal(numberField(text, '"seq":'), 4);
  t.equal(numberField(text, '"q":'), 2);
});

t.test('a message key is a UUID v4 that tells its number', async (t) => {
  for (const number of [0, 1, 255, 1_000_000, 0xffffffff]) {
    const key = keys.keyOf(number);
    t.ok(isUuidV4(key), key);
    const text = message({ client_msg_id: key });
    t.equal(keys.messageAt(text, fieldStart(text, '"client_msg_id":"')), number);
  }
});

t.test('a message of another run has no number here', async (t) => {
  const text = message({ client_msg_id: new MessageKeys().keyOf(5) });
  t.equal(keys.messageAt(text, fieldStart(text, '"client_msg_id":"')), -1);
  t.equal(keys.messageAt('', -1), -1);
});
