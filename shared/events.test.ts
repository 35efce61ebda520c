import t from 'tap';
import { decodeInbox, encodeInbox, frameWithQ, type InboxHeader } from './events.ts';
import { newId } from './ids.ts';

t.test('a payload comes apart as it was put together, and q is spliced in', async (t) => {
  const header: InboxHeader = {
    kind: 'message',
    conversationId: newId(),
    seq: 42,
    senderId: newId(),
  };
  const event = { type: 'message', content: 'ä\n{}' };
  const decoded = decodeInbox(encodeInbox(header, JSON.stringify(event)));
  t.ok(decoded);
  if (decoded === undefined) return;
  t.same(decoded.header, header);
  t.same(JSON.parse(frameWithQ(decoded.body, 7).toString()), { q: 7, ...event });
});

t.test('what is not ours is told apart', async (t) => {
  for (const bad of ['', '\n{}', 'no newline', 'message\n{}', `${'x'.repeat(200)}\n{}`]) {
    t.equal(decodeInbox(Buffer.from(bad)), undefined, bad);
  }
});
