import { randomBytes } from 'node:crypto';
import t from 'tap';
import { type ConversationId, type MessageId, newId } from '../../../shared/ids.ts';
import { createContentCipher, type MessageCipherPlace } from './content-cipher.ts';
import { parseContentKeys } from './content-keys.ts';

const k1 = { id: 'k1', key: randomBytes(32) };
const k2 = { id: 'k2', key: randomBytes(32) };
const cipher = createContentCipher([k1]);

function place(field: MessageCipherPlace['field'] = 'content'): MessageCipherPlace {
  return { conversation_id: newId<ConversationId>(), message_id: newId<MessageId>(), field };
}

t.test('a ciphertext opens at its place, and no two ciphertexts are equal', async (t) => {
  const here = place();
  for (const plain of ['', 'hello', 'नमस्ते 👋', '\u0000', 'x'.repeat(32_000)]) {
    const sealed = cipher.encrypt(plain, here);
    t.equal(cipher.decrypt(sealed, 'k1', here), plain);
    t.notSame(cipher.encrypt(plain, here), sealed);
  }
});

t.test('a ciphertext that was moved to another row or field does not open', async (t) => {
  const here = place();
  const sealed = cipher.encrypt('secret', here);
  const others: MessageCipherPlace[] = [
    { ...here, message_id: newId<MessageId>() },
    { ...here, conversation_id: newId<ConversationId>() },
    { ...here, field: 'metadata' },
  ];
  for (const other of others) t.throws(() => cipher.decrypt(sealed, 'k1', other));
});

t.test('a changed or truncated ciphertext does not open', async (t) => {
  const here = place();
  const sealed = cipher.encrypt('secret', here);
  for (const index of [0, 15, sealed.length - 1]) {
    const changed = Buffer.from(sealed);
    changed[index] = (changed[index] as number) ^ 1;
    t.throws(() => cipher.decrypt(changed, 'k1', here));
  }
  t.throws(() => cipher.decrypt(sealed.subarray(0, 20), 'k1', here));
});

t.test('old ciphertexts open after a change of keys, and unknown keys are refused', async (t) => {
  const here = place();
  const old = cipher.encrypt('old', here);
  const rotated = createContentCipher([k2, k1]);
  t.equal(rotated.keyId, 'k2');
  t.equal(rotated.decrypt(old, 'k1', here), 'old');
  t.throws(() => cipher.decrypt(rotated.encrypt('new', here), 'k2', here), /not configured/);
});

t.test('the parser of keys reports every problem, and no problem shows a key', async (t) => {
  const good = k1.key.toString('base64');
  t.same(parseContentKeys(`k1:${good}`), { keys: [k1], problems: [] });
  const { keys, problems } = parseContentKeys(`k1:${good},k1:${good},short:AAAA,nonsense`);
  t.equal(keys.length, 1);
  t.equal(problems.length, 3);
  t.notOk(problems.join().includes('AAAA'));
});

t.test('a key that nobody drew at random, or that stands twice, is a problem', async (t) => {
  for (const weak of [Buffer.alloc(32), Buffer.from('0123456789abcdef0123456789abcdef')]) {
    const { problems } = parseContentKeys(`k1:${weak.toString('base64')}`);
    t.match(problems, [/^key k1 /]);
  }
  const twice = k1.key.toString('base64');
  t.match(parseContentKeys(`k1:${twice},k2:${twice}`).problems, [/key k2 is the same key as k1/]);
});
