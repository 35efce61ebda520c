import t from 'tap';
import type { ShownMessage } from '../../../../clients/js/src/index.ts';
import { markOf, reasonOf } from './status.ts';

const message: ShownMessage = {
  ...{ conversation_id: 'c', version: 1, message_type: 'text', sender_id: 'ann' },
  ...{ sent_at: '2026-11-21T10:00:00.000Z', content: 'Hi', reactions: [] },
};

t.test('each state of an own message has its mark and its name', async (t) => {
  const states = ['pending', 'sent', 'delivered', 'read', 'failed'] as const;
  t.same(
    states.map((status) => markOf({ ...message, status })?.label),
    ['Waiting to be sent', 'Sent', 'Delivered', 'Read', 'Not sent'],
  );
  t.match(markOf({ ...message, status: 'delivered' }), { icon: 'checks', isRead: false });
  t.match(markOf({ ...message, status: 'read' }), { icon: 'checks', isRead: true });
});

t.test('messages of others and deleted ones have no mark', async (t) => {
  t.equal(markOf(message), undefined);
  const deleted_at = '2026-11-21T10:00:01.000Z';
  t.equal(markOf({ ...message, status: 'read', deleted_at }), undefined);
});

t.test('a failure is told in plain words, also one that is not known here', async (t) => {
  const reason = (code: string) => reasonOf({ ...message, error: { code, message: 'x' } });
  t.match(reason('NOT_A_PARTICIPANT'), /not part of this conversation/);
  for (const code of ['SOMETHING', 'constructor', '']) t.match(reason(code), /could not be sent/);
});
