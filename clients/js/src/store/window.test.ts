import t from 'tap';
import type { Message } from '../protocol/shapes.ts';
import type { ShownMessage } from '../timeline/shown-message.ts';
import {
  type Window,
  withEcho,
  withMessages,
  withoutEcho,
  withSent,
  withStatus,
  withUpdate,
} from './window.ts';

const AT = '2026-11-21T10:00:00.000Z';
const OWN = 'ann';

function message(seq: number, more: Partial<Message> = {}): Message {
  return {
    ...{ message_id: `m${seq}`, conversation_id: 'c', seq, version: 1, sender_id: 'bob' },
    ...{ client_msg_id: `c${seq}`, content: `text ${seq}`, message_type: 'text', sent_at: AT },
    ...more,
  };
}

function echo(id: string): ShownMessage {
  return {
    ...{ conversation_id: 'c', sender_id: OWN, client_msg_id: id, version: 0, content: id },
    ...{ message_type: 'text', sent_at: AT, reactions: [], status: 'pending' },
  };
}

const seqsOf = (window: Window) => window.map(({ seq, client_msg_id: id }) => seq ?? id);
const put = (window: Window, ...messages: Message[]) => withMessages(window, messages, OWN);

t.test('messages stand by seq, and each once', async (t) => {
  const window = put(put([], message(5), message(3)), message(4), message(3), message(1));
  t.same(seqsOf(window), [1, 3, 4, 5]);
});

t.test('a newer version replaces a message, an older one does not', async (t) => {
  const newer = message(3, { version: 3, content: 'new' });
  t.equal(put(put([], message(3)), newer)[0]?.content, 'new');
  t.equal(put(put([], newer), message(3, { version: 2 }))[0]?.content, 'new');
});

t.test('an echo stands last, and its message takes its place by seq', async (t) => {
  const echoed = withEcho(withEcho(put([], message(1)), echo('x')), echo('y'));
  t.same(seqsOf(echoed), [1, 'x', 'y']);
  const own = message(3, { sender_id: OWN, client_msg_id: 'x' });
  const arrived = put(echoed, own, message(2));
  t.same(seqsOf(arrived), [1, 2, 3, 'y']);
  t.match(arrived[2], { message_id: 'm3', status: 'sent' });
  t.same(seqsOf(put(echoed, message(2, { client_msg_id: 'x' }))), [1, 2, 'x', 'y']);
});

t.test('an acknowledged echo stands by its seq before its event comes, and after', async (t) => {
  const sent = { message_id: 'm3', seq: 3, sent_at: AT };
  const placed = withSent(withEcho(put([], message(4)), echo('x')), echo('x'), sent);
  t.same(seqsOf(placed), [3, 4]);
  t.match(placed[0], { status: 'sent', content: 'x', version: 0 });
  const own = message(3, { sender_id: OWN, client_msg_id: 'x' });
  const both = put(placed, own);
  t.same(seqsOf(both), [3, 4]);
  t.equal(both[0]?.version, 1);
  t.same(withSent(put(withEcho([], echo('x')), own), echo('x'), sent), put([], own));
  t.same(seqsOf(withEcho(both, echo('x'))), [3, 4], 'an echo does not come back');
});

t.test('a failed echo keeps its place, and goes when it is discarded', async (t) => {
  const error = { code: 'FORBIDDEN', message: 'no' };
  const failed: ShownMessage = { ...echo('x'), status: 'failed', error };
  const window = withEcho(withEcho(withEcho([], echo('x')), echo('y')), failed);
  t.match(window, [{ status: 'failed', error }, { client_msg_id: 'y' }]);
  t.same(seqsOf(withoutEcho(window, 'x')), ['y']);
  const { error: none, status } = withSent(window, failed, { ...message(1) })[0] ?? {};
  t.same({ none, status }, { none: undefined, status: 'sent' });
});

t.test('a change applies to its message once, and to none that is not there', async (t) => {
  const window = put([], message(1, { metadata: { a: 1 } }), message(2));
  const same = { message_id: 'm1', conversation_id: 'c', seq: 1 };
  const reacted = { emoji: '👍', count: 1, mine: false };
  const edited = withUpdate(window, { ...same, version: 2, change: 'edited', content: 'new' });
  t.match(edited[0], { content: 'new', version: 2, reactions: [] });
  const one = { ...same, version: 3, change: 'reactions' as const, reactions: [reacted] };
  const both = withUpdate(edited, one);
  t.match(both[0], { content: 'new', reactions: [reacted] });
  t.equal(withUpdate(both, { ...one, reactions: [] }), both);
  const gone = withUpdate(both, { ...same, version: 4, change: 'deleted', deleted_at: AT });
  t.same(Object.keys(gone[0] ?? {}).includes('content'), false);
  t.match(gone[0], { deleted_at: AT, reactions: [] });
  t.equal(withUpdate(window, { ...one, seq: 9 }), window);
});

t.test('the status of own messages rises with the positions, and never falls', async (t) => {
  const own = [1, 2, 3, 4].map((seq) => message(seq, { sender_id: OWN }));
  const statuses = (window: Window) => window.map(({ status }) => status);
  const window = put([], ...own, message(5));
  const risen = withStatus(window, { delivered: 3, read: 1 });
  t.same(statuses(risen), ['read', 'delivered', 'delivered', 'sent', undefined]);
  t.equal(withStatus(risen, { delivered: 0, read: 0 }), risen);
  t.same(statuses(withStatus(risen, { delivered: 4, read: 4 })), [
    ...['read', 'read', 'read', 'read'],
    undefined,
  ]);
  t.equal(withStatus(window, undefined), window, 'nobody else is there');
  const pending = withEcho(risen, echo('x'));
  t.equal(withStatus(pending, { delivered: 9, read: 9 }).at(-1)?.status, 'pending');
});

t.test('history tells the status, and an event of the same version keeps it', async (t) => {
  const read = { ...message(1, { sender_id: OWN }), status: 'read' } as Message;
  t.equal(put([], read)[0]?.status, 'read');
  const edited = message(1, { sender_id: OWN, version: 2 });
  t.equal(put(put([], read), edited)[0]?.status, 'read');
});

t.test('ten thousand messages take one more, or a page of older ones, in no time', async (t) => {
  const many = Array.from({ length: 10_000 }, (_, i) => message(i + 1_000));
  const window = put([], ...many);
  const older = Array.from({ length: 50 }, (_, i) => message(i + 950));
  t.equal(put(put(window, message(11_000)), ...older).length, 10_051);
});
