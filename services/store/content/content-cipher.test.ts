import { randomBytes } from 'node:crypto';
import t from 'tap';
import { type ConversationId, type MessageId, newId } from '../../../shared/ids.ts';
import { createContentCipher, encrypt, type MessageCipherPlace } from './content-cipher.ts';
import { parseContentKeys } from './content-keys.ts';
import { ConversationKey } from './conversation-key.ts';
import { nameOf } from './conversation-keys.ts';
import { seal } from './sealed-text.ts';

const k1 = { id: 'k1', key: randomBytes(32) };
const conversation_id = newId<ConversationId>();
const key = new ConversationKey({ conversation_id, generation: 1 }, randomBytes(32), '');
const contentKeys = new Map([[k1.id, k1.key]]);
const keys = new Map([[nameOf(key.place), key]]);
const cipher = { ...createContentCipher({ contentKeys, keys }), key };

function place(field: MessageCipherPlace['field'] = 'content'): MessageCipherPlace {
  return { conversation_id, message_id: newId<MessageId>(), field };
}

t.test('a ciphertext opens at its place, and no two ciphertexts are equal', async (t) => {
  for (const here of [place(), place('metadata'), { ...place(), version: 3 }]) {
    for (const plain of ['', 'hello', 'नमस्ते 👋', '\u0000', 'x'.repeat(32_000)]) {
      const sealed = encrypt(plain, cipher, here);
      t.equal(cipher.decrypt(sealed, '@1', here), plain);
      t.notSame(encrypt(plain, cipher, here), sealed);
    }
  }
});

t.test('a ciphertext that was moved to another row or field does not open', async (t) => {
  const here = place();
  const sealed = encrypt('secret', cipher, here);
  const others: MessageCipherPlace[] = [
    { ...here, message_id: newId<MessageId>() },
    { ...here, conversation_id: newId<ConversationId>() },
    { ...here, field: 'metadata' },
    { ...here, version: 1 },
  ];
  for (const other of others) t.throws(() => cipher.decrypt(sealed, '@1', other));
});

t.test('a changed or truncated ciphertext does not open', async (t) => {
  const here = place();
  const sealed = encrypt('secret', cipher, here);
  for (const index of [0, 15, sealed.length - 1]) {
    const changed = Buffer.from(sealed);
    changed[index] = (changed[index] as number) ^ 1;
    t.throws(() => cipher.decrypt(changed, '@1', here));
  }
  t.throws(() => cipher.decrypt(sealed.subarray(0, 20), '@1', here));
});

t.test('a text that a content key itself encrypted opens still', async (t) => {
  const here = place();
  const sealed = seal('old', {
    key: k1.key,
    place: `${conversation_id}/${here.message_id}/content`,
  });
  t.equal(cipher.decrypt(sealed, 'k1', here), 'old');
  t.throws(() => cipher.decrypt(sealed, 'k2', here), /not known/);
  t.throws(() => cipher.decrypt(sealed, '@1', here));
});

t.test('a text whose key is not there is noted, as is a damaged one', async (t) => {
  const noted: string[][] = [];
  const noteUnreadable = (...note: string[]) => noted.push(note);
  const own = createContentCipher({ contentKeys, keys, noteUnreadable });
  const here = place();
  const sealed = encrypt('secret', cipher, here);
  t.equal(own.tryDecrypt(sealed, '@2', here), undefined);
  t.equal(own.tryDecrypt(sealed.subarray(1), '@1', here), undefined);
  t.equal(own.tryDecrypt(sealed, '@1', here), 'secret');
  t.same(noted, [
    ['unknown_key', '@2'],
    ['damaged', '@1'],
  ]);
});

t.test('nothing is encrypted with the key of another conversation', async (t) => {
  const other = { ...place(), conversation_id: newId<ConversationId>() };
  t.throws(() => encrypt('secret', cipher, other), /a key of another/);
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
