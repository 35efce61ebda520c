import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import { ask, letter, StageDevice, send, setStage } from '../stage/router-stage.ts';

const stage = await setStage();
const router = await stage.startRouter();
const { edge, store } = stage;
t.teardown(() => stage.close());
t.teardown(() => router.close());

/** A customer with one device, and their conversation with a business that is closed now. */
async function customer() {
  const device = new StageDevice(edge, newId<UserId>());
  await device.open();
  const conversation = store.open([device.userId]);
  const business = newId<BusinessId>();
  store.closes(conversation, business);
  return { device, conversation, business };
}

const seqsOf = ({ events }: StageDevice) => events.map(({ seq }) => seq);

t.test('the away message comes right after the message that it answers', async (t) => {
  const { device, conversation, business } = await customer();
  const asked = store.count('conversations.participants');
  const sent = await send(edge, letter(conversation, device.userId));
  await until('both came', () => device.events.length === 2);
  t.match(device.events, [
    { type: 'message', message_id: sent.message_id, seq: 1, sender_id: device.userId },
    {
      type: 'message',
      seq: 2,
      sender_id: business,
      message_type: 'system',
      content: 'We are away',
      metadata: { event: 'away_message' },
    },
  ]);
  t.equal(store.count('conversations.participants'), asked, 'the append told who takes part');
  await until('nothing is owed', () => store.outbox.size === 0);
});

t.test('edges that watch the business hear of a message that opens a conversation', async (t) => {
  const { device, conversation, business } = await customer();
  const heard: unknown[] = [];
  const subscription = edge.subscribe(subjects.business(business), (msg) => {
    heard.push(JSON.parse(msg.string()));
  });
  await edge.nc.flush();
  t.teardown(() => subscription.unsubscribe());
  await send(edge, letter(conversation, device.userId));
  await until('the edge heard', () => heard.length > 0);
  const told = { kind: 'step', business_id: business, version: 1, conversation_id: conversation };
  t.match(heard, [{ ...told, change: 'added', after: { state: 'waiting' } }]);
});

t.test('an away message amid the sends of one append keeps its place', async (t) => {
  for (let round = 0; round < 5; round += 1) {
    const { device, conversation } = await customer();
    let release = (): void => undefined;
    const blocked = new Promise<void>((resolve) => {
      release = resolve;
    });
    const other = store.open([device.userId]);
    store.before = (op) => (op === 'messages.append' ? blocked : undefined);
    const sends = [send(edge, letter(other, device.userId))];
    for (let count = 0; count < 20; count += 1) {
      sends.push(send(edge, letter(conversation, device.userId)));
    }
    // The router reads an edge's requests in order, so it has read all sends once it answers this.
    await ask(edge, { op: 'read', user_id: device.userId, conversation_id: other, seq: 1 });
    store.before = () => undefined;
    release();
    await Promise.all(sends);
    await until('all came', () => device.events.length === 22);
    const seqs = device.events.filter(({ conversation_id: id }) => id === conversation);
    t.same(
      seqs.map(({ seq }) => seq),
      Array.from({ length: 21 }, (_, index) => index + 1),
    );
  }
});

t.test('the router tells store the business of a conversation once it knows of it', async (t) => {
  const { device, conversation, business } = await customer();
  const direct = store.open([device.userId, newId<UserId>()]);
  const before = store.appends.length;
  for (const id of [conversation, conversation, direct, direct]) {
    await send(edge, letter(id, device.userId));
  }
  t.same(
    store.appends.slice(before).map(({ business_id: id }) => id),
    [undefined, business, undefined, undefined],
  );
});

t.test('where nobody knows who takes part, an away message stays owed as well', async (t) => {
  const { device, conversation } = await customer();
  store.tellsParticipants = false;
  store.before = (op) => {
    if (op === 'conversations.participants') throw new Error('not now');
  };
  await send(edge, letter(conversation, device.userId));
  const owed = [...store.outbox.values()].map(({ entry }) => entry.conversation_id);
  t.equal(owed.filter((id) => id === conversation).length, 2);
  store.tellsParticipants = true;
  store.before = () => undefined;
  store.age();
  await until('a repair brings both', () => device.events.length === 2);
  t.same(seqsOf(device).sort(), [1, 2]);
});

t.test('the repeat of a send brings no second away message', async (t) => {
  const { device, conversation } = await customer();
  const input = letter(conversation, device.userId);
  const [first, second] = [await send(edge, input), await send(edge, input)];
  t.match(second, { message_id: first.message_id, duplicate: true });
  await until('both came', () => device.events.length === 2);
  await send(edge, letter(conversation, device.userId));
  await until('the next one came', () => device.events.length === 3);
  t.same(seqsOf(device), [1, 2, 3]);
});
