import t from 'tap';
import { type ConversationId, type EventId, newId, type UserId } from '../ids.ts';
import {
  type DurableEventHeader,
  decodeDurableEvent,
  decodeLive,
  decodeQueueMarker,
  encodeDurableEvent,
  encodeLive,
  encodeLiveCopy,
  encodeQueueMarker,
  frameWithQ,
} from './events.ts';

t.test('a durable event is decoded as it was encoded, and q is spliced in', async (t) => {
  const header: DurableEventHeader = {
    kind: 'message',
    eventId: newId(),
    conversationId: newId(),
    seq: 42,
    senderId: newId(),
    isNameless: true,
  };
  const event = { type: 'message', content: 'ä\n{}' };
  const decoded = decodeDurableEvent(encodeDurableEvent(header, JSON.stringify(event)));
  t.ok(decoded);
  if (decoded === undefined) return;
  t.same(decoded.header, header);
  const named = encodeDurableEvent({ ...header, isNameless: false }, '{}');
  t.equal(decodeDurableEvent(named)?.header.isNameless, false);
  t.same(JSON.parse(frameWithQ(decoded.body, 7).toString()), { q: 7, ...event });
});

t.test('the longest header is decoded', async (t) => {
  const kind = 'k'.repeat(32) as 'message';
  const ids = { eventId: newId<EventId>(), conversationId: newId<ConversationId>() };
  const rest = { seq: Number.MAX_SAFE_INTEGER, senderId: newId<UserId>(), isNameless: true };
  const header = { kind, ...ids, ...rest };
  t.same(decodeDurableEvent(encodeDurableEvent(header, '{}'))?.header, header);
});

t.test('a payload that is no durable event is not decoded', async (t) => {
  for (const bad of ['', '\n{}', 'no newline', 'message\n{}', `${'x'.repeat(200)}\n{}`]) {
    t.equal(decodeDurableEvent(Buffer.from(bad)), undefined, bad);
  }
});

t.test('a live event is distinguished from a signal, and its JSON stays as it was', async (t) => {
  const place = { conversation_id: newId<ConversationId>(), user_id: newId<UserId>() };
  const event = { type: 'receipt' as const, ...place, read_seq: 4, text: 'ä\n' };
  const live = decodeLive(Buffer.from(encodeLive(event)));
  t.same([live?.type, live?.isNameless], ['receipt', false]);
  t.same(JSON.parse(Buffer.from(live?.body ?? []).toString()), event);
  for (const other of ['', '{"kind":"resync"}', '{\n}', 'A Type\n{}', `${'x'.repeat(40)}\n{}`]) {
    t.equal(decodeLive(Buffer.from(other)), undefined, other);
  }
});

t.test('a live copy has the kind, the mark and the JSON of its durable event', async (t) => {
  const ids = { eventId: newId<EventId>(), conversationId: newId<ConversationId>() };
  const json = JSON.stringify({ type: 'message', content: 'ä\n' });
  for (const isNameless of [true, false]) {
    const header = { kind: 'message', ...ids, seq: 1, senderId: undefined, isNameless } as const;
    const live = decodeLive(encodeLiveCopy(encodeDurableEvent(header, json)) ?? Buffer.of());
    t.same([live?.type, live?.isNameless], ['message', isNameless]);
    t.equal(Buffer.from(live?.body ?? []).toString(), json);
  }
  t.equal(encodeLiveCopy(Buffer.from('{}')), undefined);
});

t.test('a marker has an id, and is no durable event', async (t) => {
  const id = newId<EventId>();
  const payload = encodeQueueMarker(id);
  t.equal(decodeQueueMarker(payload), id);
  t.equal(decodeDurableEvent(payload), undefined);
  for (const other of [
    '',
    'marker ',
    'marker x',
    '{}',
    'x'.repeat(43),
    `marker ${'X'.repeat(36)}`,
  ]) {
    t.equal(decodeQueueMarker(Buffer.from(other)), undefined, other);
  }
});
