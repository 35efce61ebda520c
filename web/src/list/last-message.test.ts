import t from 'tap';
import type { Conversation, LastMessage } from '../../../clients/js/src/protocol/shapes.ts';
import { lastMessageOf } from './last-message.ts';

const [ASHA, BIKRAM, GONE] = ['a', 'b', 'c'];
const NAMES: Record<string, string> = { [GONE as string]: 'Chandra' };

function shown(type: Conversation['type'], last: Partial<LastMessage> | undefined) {
  const participants = [
    { user_id: ASHA, name: 'Asha' },
    { user_id: BIKRAM, name: 'Bikram' },
  ];
  const message = last && { message_type: 'text', content: 'Hello', ...last };
  const conversation = { type, participants, ...(message && { last_message: message }) };
  return lastMessageOf(conversation as Conversation, ASHA as string, (id) => NAMES[id]);
}

t.test('one’s own messages are said to be so, and those of others in groups', async (t) => {
  t.same(shown('direct', { sender_id: ASHA as string }), { who: 'You', text: 'Hello' });
  t.same(shown('direct', { sender_id: BIKRAM as string }), { text: 'Hello' });
  t.same(shown('group', { sender_id: BIKRAM as string }), { who: 'Bikram', text: 'Hello' });
  t.same(shown('group', { sender_id: GONE as string }), { who: 'Chandra', text: 'Hello' });
  t.same(shown('group', { sender_id: 'd' }), { text: 'Hello' }, 'nobody knows the name');
});

t.test('a message without text is shown by what it is', async (t) => {
  const sender_id = BIKRAM as string;
  t.same(shown('direct', undefined), { text: 'No messages yet', isAside: true });
  t.match(shown('direct', { sender_id, message_type: 'image' }), { icon: 'image' });
  t.match(shown('group', { sender_id, message_type: 'voice' }), { who: 'Bikram', icon: 'voice' });
  t.match(shown('direct', { sender_id, message_type: 'file', content: 'x' }), { text: 'File' });
  t.same(shown('group', { sender_id, message_type: 'system', content: 'Asha left' }), {
    text: 'Asha left',
    isAside: true,
  });
  t.match(shown('direct', { sender_id, content: '' }), { text: 'Deleted message', isAside: true });
});

t.test('a message of many lines becomes one line', async (t) => {
  t.match(shown('direct', { sender_id: BIKRAM as string, content: 'a\n\n b\tc' }), {
    text: 'a b c',
  });
});
