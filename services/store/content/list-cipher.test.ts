import { randomBytes } from 'node:crypto';
import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import { createListCipher } from './list-cipher.ts';
import { seal, unseal } from './sealed-text.ts';

const k1 = { id: 'k1', key: randomBytes(32) };
const k2 = { id: 'k2', key: randomBytes(32) };

t.test('a list opens for its user, after a change of keys too', async (t) => {
  const user = newId<UserId>();
  const old = createListCipher([k1]);
  const sealed = old.seal('[]', user);
  t.equal(old.keyId, 'k1');
  const rotated = createListCipher([k2, k1]);
  t.equal(rotated.keyId, 'k2');
  t.equal(rotated.open(sealed, 'k1', user), '[]');
  t.throws(() => old.open(rotated.seal('[]', user), 'k2', user), /k2 is not configured/);
});

t.test('a list does not open for another user, nor where its bytes are changed', async (t) => {
  const [user, other] = [newId<UserId>(), newId<UserId>()];
  const cipher = createListCipher([k1]);
  const sealed = cipher.seal('[]', user);
  t.throws(() => cipher.open(sealed, 'k1', other));
  t.throws(() => cipher.open(sealed.subarray(1), 'k1', user));
  t.throws(() => cipher.open(Buffer.alloc(5), 'k1', user), /too short/);
});

t.test('a content key itself neither opens a list nor makes one', async (t) => {
  const user = newId<UserId>();
  const cipher = createListCipher([k1]);
  const place = `${user}/chats`;
  t.throws(() => unseal(cipher.seal('[]', user), { key: k1.key, place }));
  t.throws(() => cipher.open(seal('[]', { key: k1.key, place }), 'k1', user));
});

t.test('a cipher without keys is refused', async (t) => {
  t.throws(() => createListCipher([]), /no content key/);
});
