import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import type { MessageReaction } from '../../../shared/contracts/messages.ts';
import type { OutboxEntry } from '../../../shared/contracts/outbox.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import { ask, letter, StageDevice, send, setStage } from '../stage/router-stage.ts';
import { MessageChanges } from './message-changes.ts';

const stage = await setStage();
const { edge, store } = stage;
await stage.startRouter();
const serving = await stage.busOf('store-1');
t.teardown(() => stage.close());

/** Store was asked for these reactions. The next reaction gets a version above `version`. */
const asked: MessageReaction[] = [];
let version = 1;
let answering: Promise<void> | undefined;
const options = { subject: subjects.store('messages.react'), concurrencyMax: 10 };
serving.serve(options, async (body) => {
  const reaction = body as MessageReaction;
  asked.push(reaction);
  version += 1;
  const entry = entryOf(reaction, version);
  await answering;
  return { reactions: [], entry };
});
await serving.nc.flush();

let audience: UserId[] = [];
function entryOf(
  { message_id, place, emoji, user_id }: MessageReaction,
  made: number,
): OutboxEntry {
  const { conversation_id, seq } = place;
  const reactions = [{ emoji, user_ids: [user_id] }];
  const common = { message_id, conversation_id, seq, version: made };
  return {
    ...{ event_id: newId(), conversation_id, user_ids: audience, kind: 'message_updated' },
    ...{ update: { ...common, change: 'reactions', reactions }, changed_at: '' },
  };
}

function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

async function scene() {
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  audience = [ann, bob];
  const conversation_id = store.open([ann, bob]);
  const device = new StageDevice(edge, bob);
  await device.open();
  const react = (message_id: MessageId, emoji: string) => {
    const place = { conversation_id, seq: 1, sent_at: new Date(0).toISOString() };
    const named = { user_id: bob, message_id, place, emoji };
    const request = { op: 'messages.react' as const, ...named };
    return ask(edge, request);
  };
  return { ann, bob, conversation_id, device, react };
}

t.test('a change is answered on commit, and its event never overtakes its message', async (t) => {
  const { ann, conversation_id, device, react } = await scene();
  const { open, opened } = gate();
  store.tellsParticipants = false;
  store.before = (op) => (op === 'conversations.participants' ? opened : undefined);
  const { message_id } = await send(edge, letter(conversation_id, ann));
  t.same(await react(message_id, '👍'), { reactions: [] });
  await device.close();
  await device.listen();
  t.same(device.events, [], 'the fan-out of the message has not begun');
  open();
  await until('both have come', () => device.events.length === 2);
  t.match(device.events, [
    { type: 'message', message_id },
    { type: 'message_updated', message_id, reactions: [{ emoji: '👍', count: 1, mine: true }] },
  ]);
  store.before = () => undefined;
});

t.test('changes of one message run one at a time, and other messages do not wait', async (t) => {
  const { device, react } = await scene();
  const { open, opened } = gate();
  answering = opened;
  asked.length = 0;
  const [one, other] = [newId<MessageId>(), newId<MessageId>()];
  const answers = [react(one, '👍'), react(one, '🎉'), react(other, '👍')];
  await until('store was asked of both', () => asked.length === 2);
  open();
  await Promise.all(answers);
  t.same(
    asked.map(({ message_id, emoji }) => [message_id, emoji]),
    [
      [one, '👍'],
      [other, '👍'],
      [one, '🎉'],
    ],
  );
  await until('all have come', () => device.events.length === 3);
  const ofOne = device.events.filter(({ message_id }) => message_id === one);
  t.match(ofOne, [{ reactions: [{ emoji: '👍' }] }, { reactions: [{ emoji: '🎉' }] }]);
});

t.test('a change waits while too many events are on their way, like an append', async (t) => {
  const { open, opened } = gate();
  const told: string[] = [];
  const changes = new MessageChanges({
    store: (async () => {
      told.push('changed');
      return { message: {} };
    }) as never,
    fanOuts: { room: () => opened, start: () => undefined } as never,
    actors: { settled: () => undefined } as never,
  });
  const place = { conversation_id: newId<never>(), seq: 1, sent_at: new Date(0).toISOString() };
  const request = { user_id: newId<UserId>(), message_id: newId<MessageId>(), place };
  const editing = changes.edit({ ...request, content: 'new' }, { deadlineAt: 1, trace: undefined });
  await new Promise((resolve) => setImmediate(resolve));
  t.same(told, []);
  open();
  await editing;
  t.same(told, ['changed']);
});
