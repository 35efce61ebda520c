import t from 'tap';
import type { ShownMessage } from '../../../../clients/js/src/index.ts';
import { attachmentOf } from './attachment-facts.ts';

const of = (message_type: ShownMessage['message_type'], metadata?: Record<string, unknown>) =>
  attachmentOf({
    ...{ conversation_id: 'c', version: 1, sender_id: 'ann', reactions: [], message_type },
    sent_at: '2026-11-21T10:00:00.000Z',
    ...(metadata && { metadata }),
  });

t.test('pictures, files and voice messages tell their metadata', async (t) => {
  t.equal(of('text', { name: 'a' }), undefined);
  t.equal(of('system', { event: 'a' }), undefined);
  t.same(of('file', { file_name: 'a.pdf', size: 12 }), {
    ...{ kind: 'file', label: 'File' },
    facts: ['file name: a.pdf', 'size: 12'],
  });
  t.same(of('voice'), { kind: 'voice', label: 'Voice message', facts: [] });
});

t.test('nested, endless and too many values are left out', async (t) => {
  t.same(of('image', { a: { b: 1 }, c: [1], d: null })?.facts, []);
  t.equal([...(of('image', { a: '🙂'.repeat(4_000) })?.facts[0] ?? '')].length, 122);
  const many = Object.fromEntries(Array.from({ length: 99 }, (_, n) => [`k${n}`, n]));
  t.equal(of('image', many)?.facts.length, 6);
});
