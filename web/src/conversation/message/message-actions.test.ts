import t from 'tap';
import type { ShownMessage } from '../../../../clients/js/src/index.ts';
import { actionsOf, lastEditable } from './message-actions.ts';

const message = (sender_id: string, more: Partial<ShownMessage> = {}): ShownMessage => ({
  ...{ conversation_id: 'c', message_id: 'm', version: 1, message_type: 'text', sender_id },
  ...{ sent_at: '2026-11-21T10:00:00.000Z', content: 'Hi', reactions: [], ...more },
});
const ann = { userId: 'ann', canWrite: true, isAdmin: false };
const deleted = { deleted_at: '2026-11-21T10:00:01.000Z' };

t.test(
  'one edits and deletes what one wrote, and an admin deletes what others wrote',
  async (t) => {
    t.same(actionsOf(message('ann'), ann), ['reply', 'copy', 'edit', 'remove']);
    t.same(actionsOf(message('bob'), ann), ['reply', 'copy']);
    t.same(actionsOf(message('bob'), { ...ann, isAdmin: true }), ['reply', 'copy', 'remove']);
  },
);

t.test('who only reads may copy', async (t) => {
  t.same(actionsOf(message('bob'), { ...ann, canWrite: false }), ['copy']);
});

t.test('what is not sent can be taken back, and what failed sent again', async (t) => {
  t.same(actionsOf(message('ann', { status: 'pending' }), ann), ['copy', 'discard']);
  t.same(actionsOf(message('ann', { status: 'failed' }), ann), ['retry', 'copy', 'discard']);
});

t.test('nothing is done with system messages and deleted ones', async (t) => {
  t.same(actionsOf(message('ann', { message_type: 'system' }), ann), []);
  t.same(actionsOf(message('ann', deleted), ann), []);
});

t.test('the newest own message that is sent and not deleted is edited', async (t) => {
  const messages = [
    message('ann', { message_id: 'm1' }),
    message('ann', { message_id: 'm2' }),
    message('ann', { message_id: 'm3', ...deleted }),
    ...[message('bob'), message('ann', { status: 'pending' })],
  ];
  t.equal(lastEditable(messages, 'ann')?.message_id, 'm2');
  t.equal(lastEditable([], 'ann'), undefined);
});
