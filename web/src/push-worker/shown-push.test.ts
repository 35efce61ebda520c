import t from 'tap';
import { addressOf, shownPushOf } from './shown-push.ts';

const data = { conversation_id: 'a-conversation', message_id: 'm', seq: 7 };

t.test('a push is shown with who wrote, and what', async (t) => {
  const text = JSON.stringify({ title: 'Asha', body: 'Namaste', tag: 'thread', badge: 2, data });
  const { title, options } = shownPushOf(text);
  t.equal(title, 'Asha');
  t.match(options, { body: 'Namaste', tag: 'thread', data });
});

t.test('a push without a sender has the name of the app', async (t) => {
  t.match(shownPushOf(JSON.stringify({ body: 'New message', tag: 'x', data })), {
    title: 'kaha chat',
    options: { body: 'New message' },
  });
});

t.test('what cannot be read is shown as a message all the same', async (t) => {
  for (const text of [undefined, '', 'no JSON', 'null', '7', '{}', '{"body":7}', '[]']) {
    t.match(shownPushOf(text), { title: 'kaha chat', options: { body: 'New message' } }, `${text}`);
  }
});

t.test('a push leads to its conversation, and any other to the page', async (t) => {
  t.equal(addressOf(data), '/#/c/a-conversation');
  t.equal(addressOf({ conversation_id: '../x' }), '/#/c/..%2Fx');
  for (const nothing of [undefined, null, {}]) t.equal(addressOf(nothing), '/');
});
