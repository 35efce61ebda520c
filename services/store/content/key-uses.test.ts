import { randomBytes } from 'node:crypto';
import t from 'tap';
import { type ConversationId, type MessageId, newId } from '../../../shared/ids.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { createContentCipher } from './content-cipher.ts';
import { countKeyUses } from './key-uses.ts';

t.test('each encryption counts for the key that made it, and no decryption does', async (t) => {
  const metrics = createMetrics('store', 'store-1');
  const keys = [
    { id: 'new', key: randomBytes(32) },
    { id: 'old', key: randomBytes(32) },
  ];
  const cipher = createContentCipher(keys, undefined, countKeyUses(metrics, keys));
  const place = {
    conversation_id: newId<ConversationId>(),
    message_id: newId<MessageId>(),
    field: 'content',
  } as const;
  for (let n = 0; n < 3; n += 1) cipher.decrypt(cipher.encrypt('text', place), 'new', place);
  const scraped = await metrics.registry.metrics();
  const lines = scraped.split('\n').filter((line) => line.startsWith('kaha_content_key_uses'));
  t.equal(lines.length, 1);
  t.match(lines[0], /key_id="new".* 3$/);
});
