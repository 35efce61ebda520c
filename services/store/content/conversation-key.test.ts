import { randomBytes } from 'node:crypto';
import t from 'tap';
import { type ConversationId, newId } from '../../../shared/ids.ts';
import { ConversationKey, unwrapKey, wrapKey } from './conversation-key.ts';
import { generationOf, keyNameOf } from './key-name.ts';

const place = { conversation_id: newId<ConversationId>(), generation: 1 };
const key = randomBytes(32);
const contentKey = randomBytes(32);
const AT = '2026-11-30T10:00:00.000Z';

t.test('a wrapped key opens with its content key and at its place alone', async (t) => {
  const wrapped = wrapKey(key, contentKey, place);
  t.same(unwrapKey(wrapped, contentKey, place), key);
  t.throws(() => unwrapKey(wrapped, randomBytes(32), place));
  t.throws(() => unwrapKey(wrapped, contentKey, { ...place, generation: 2 }));
  const conversation_id = newId<ConversationId>();
  t.throws(() => unwrapKey(wrapped, contentKey, { ...place, conversation_id }));
});

t.test('each purpose, generation and conversation has a key of its own', async (t) => {
  const conversation_id = newId<ConversationId>();
  const keys = [place, { ...place, generation: 2 }, { ...place, conversation_id }].flatMap((at) => {
    const own = new ConversationKey(at, key, AT);
    return (['content', 'metadata', 'revision'] as const).map((one) => own.keyFor(one));
  });
  const texts = [key, ...keys].map((one) => one.toString('hex'));
  t.equal(new Set(texts).size, 10);
  t.ok(keys.every(({ length }) => length === 32));
  const again = new ConversationKey(place, key, AT);
  t.same(again.keyFor('content'), keys[0]);
});

t.test('a name tells the generation, and the id of a content key tells none', async (t) => {
  t.equal(generationOf(keyNameOf(1)), 1);
  t.equal(generationOf(keyNameOf(123)), 123);
  for (const name of ['k1', '1', '@', '@0', '@01', '@1 ', '@-1', 'a@1', '@1234567890']) {
    t.equal(generationOf(name), undefined, name);
  }
});
