import t from 'tap';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import type { Client, Frame } from './stage/client.ts';
import { numbers } from './stage/numbers.ts';
import { type Person, shareStack } from './stage/stack.ts';

const system = await shareStack(t);
const API = '/api/v1';

type Receipt = Frame & {
  conversation_id: string;
  user_id: string;
  delivered_seq?: number;
  read_seq?: number;
};
type Positions = { user_id: string; delivered_seq: number; read_seq: number };

const read = (client: Client, conversation_id: string, rest: Record<string, unknown>) =>
  client.ask({ type: 'read', conversation_id, ...rest });
const get = (person: Person, path: string, edge = 1) =>
  system.rest('GET', `${API}${path}`, { token: person.token, edge });
const framesOf = (client: Client, type: string): Receipt[] =>
  client.received.filter((frame): frame is Receipt => frame.type === type);
const receiptsOf = (client: Client, user: string): Receipt[] =>
  framesOf(client, 'receipt').filter(({ user_id }) => user_id === user);
/** Resolves with the receipt that has the wanted fields, once it has come. */
const receipt = (client: Client, user: string, wanted: Partial<Receipt>): Promise<Receipt> =>
  client.next<Receipt>(
    (frame) =>
      frame.type === 'receipt' &&
      frame.user_id === user &&
      Object.entries(wanted).every(([name, value]) => frame[name] === value),
  );

async function talk(count: number) {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const annPhone = await system.connectNew(ann);
  const bobPhone = await system.connectNew(bob, { edge: 2, isAcking: false });
  const messages: string[] = [];
  for (const n of numbers(1, count)) {
    const { data } = await annPhone.post(conversation, `${n}`);
    messages.push(String(data?.message_id));
  }
  await bobPhone.messages(count);
  return { ann, bob, conversation, annPhone, bobPhone, messages };
}

t.test('receipts tell the sender of delivery and reading, and the status agrees', async (t) => {
  const { ann, bob, conversation, annPhone, bobPhone } = await talk(2);
  const statuses = async () => {
    const { body } = await get(ann, `/conversations/${conversation}/messages`);
    return (body.messages as { status: string }[]).map(({ status }) => status);
  };
  t.same(await statuses(), ['sent', 'sent']);
  bobPhone.ack(Number(bobPhone.messageEvents[0]?.q));
  const first = await receipt(annPhone, bob.id, { delivered_seq: 1 });
  t.match(first, {
    conversation_id: conversation,
    user_id: bob.id,
    delivered_at: /^20.*\.\d{3}Z$/,
  });
  t.notOk('read_seq' in first || 'q' in first);
  await until('the position is stored', async () => (await statuses())[0] === 'delivered');
  t.same(await statuses(), ['delivered', 'sent']);

  const answer = await read(bobPhone, conversation, { seq: 2 });
  t.same(answer.data, { last_read_seq: 2 });
  const second = await receipt(annPhone, bob.id, { read_seq: 2 });
  t.match(second, { delivered_seq: 2, delivered_at: /Z$/, read_at: /Z$/ });
  t.same(await statuses(), ['read', 'read'], 'a read position is stored at once');
  const { body } = await get(ann, `/conversations/${conversation}/messages`);
  const stored = (body.receipts as Positions[]).find(({ user_id }) => user_id === bob.id);
  const { read_at, delivered_at } = second;
  t.match(stored, { delivered_seq: 2, read_seq: 2, read_at, delivered_at });
  const one = await get(ann, `/conversations/${conversation}`);
  const shown = (one.body.participants as Positions[]).find(({ user_id }) => user_id === bob.id);
  t.match(shown, { delivered_seq: 2, read_seq: 2, read_at, delivered_at });

  bobPhone.ack(Number(bobPhone.messageEvents[1]?.q));
  await annPhone.post(conversation, 'later');
  await bobPhone.messages(3);
  bobPhone.ack(Number(bobPhone.messageEvents[2]?.q));
  await receipt(annPhone, bob.id, { delivered_seq: 3 });
  t.equal(receiptsOf(annPhone, bob.id).length, 3, 'no position was told twice');
  t.same(receiptsOf(bobPhone, bob.id), [], 'the reader gets no receipt of their own');
});

t.test('reading lowers unread on every device of the reader and nowhere else', async (t) => {
  const { ann, bob, conversation, annPhone, bobPhone, messages } = await talk(3);
  const tablet = await system.connectNew(bob, { device: 'tablet', edge: 1 });
  const unread = async (person: Person) => {
    const { body } = await get(person, '/conversations');
    const [one] = body.conversations as Record<string, unknown>[];
    return [one?.unread, one?.last_read_seq];
  };
  t.same(await unread(bob), [3, 0]);
  t.same(await unread(ann), [0, 3]);
  await read(bobPhone, conversation, { message_id: messages[1] });
  t.same(await unread(bob), [1, 2], 'the very next list shows it');
  for (const device of [bobPhone, tablet]) {
    t.match(await device.next('unread'), { conversation_id: conversation, unread: 1 });
  }
  const again = await read(tablet, conversation, { seq: 1 });
  t.same(again.data, { last_read_seq: 2 });
  await read(tablet, conversation, { seq: 99 });
  for (const device of [bobPhone, tablet]) {
    t.match(await device.next('unread'), { conversation_id: conversation, unread: 0 });
    t.equal(framesOf(device, 'unread').length, 2, 'a read that changes nothing is not told');
  }
  const listed = await bobPhone.ask({ type: 'conversations' });
  t.match(listed.data?.conversations, [{ unread: 0, last_read_seq: 3 }]);
  await receipt(annPhone, bob.id, { read_seq: 3 });
  t.same(framesOf(annPhone, 'unread'), []);
});

t.test('a device shows what another sent and read, live and after it was away', async (t) => {
  const { bob, conversation, bobPhone } = await talk(2);
  const tablet = await system.connectNew(bob, { device: 'tablet', edge: 1 });
  const sent = await bobPhone.post(conversation, 'from the phone');
  const event = await tablet.next(({ content }) => content === 'from the phone');
  t.match(event, { sender_id: bob.id, client_msg_id: sent.data?.client_msg_id, seq: 3 });
  await tablet.settled();
  await tablet.close();
  const desk = await system.connectNew(bob, { device: 'desk' });
  await desk.post(conversation, 'from the desk');
  const away = await bobPhone.post(conversation, 'from the phone again');
  await read(bobPhone, conversation, { seq: 5 });
  const back = await system.connect(bob, { device: 'tablet', edge: 2 });
  t.equal(back.received[0]?.resumed, true);
  const missed = await back.next(({ content }) => content === 'from the phone again');
  t.match(missed, { client_msg_id: away.data?.client_msg_id, sender_id: bob.id });
  const { data } = await back.ask({ type: 'conversations' });
  t.match(data?.conversations, [{ unread: 0, last_read_seq: 5 }]);
  t.same(framesOf(back, 'unread'), [], 'an unread event that was missed is not told again');
});

t.test('a user who sends has read up to their own message', async (t) => {
  const { ann, bob, conversation, bobPhone } = await talk(2);
  await bobPhone.post(conversation, 'an answer');
  const { body } = await get(bob, `/conversations/${conversation}`);
  t.match(body, { unread: 0, last_read_seq: 3 });
  const page = await get(ann, `/conversations/${conversation}/messages`);
  t.match(page.body.messages, [{ status: 'read' }, { status: 'read' }, { seq: 3 }]);
});

t.test('in a group a message is read once all others have read it', async (t) => {
  const people = await system.people(4);
  const [ann, ...others] = people;
  const conversation = await system.conversation(people);
  const sender = await system.connectNew(ann);
  const devices = await Promise.all(others.map((person) => system.connectNew(person)));
  await sender.post(conversation, 'to all');
  await Promise.all(devices.map((device) => device.messages(1)));
  const status = async () => {
    const { body } = await get(ann, `/conversations/${conversation}/messages`);
    return (body.messages as { status: string }[])[0]?.status;
  };
  await until('the status is delivered', async () => (await status()) === 'delivered');
  for (const [index, device] of devices.entries()) {
    t.equal(await status(), 'delivered');
    await read(device, conversation, { seq: 1 });
    const { id } = others[index] as Person;
    for (const one of [sender, ...devices]) {
      if (one !== device) await receipt(one, id, { read_seq: 1 });
    }
  }
  t.equal(await status(), 'read');
});

t.test('the read of one who does not take part is refused and told to nobody', async (t) => {
  const { bob, conversation, annPhone, bobPhone, messages } = await talk(2);
  const eve = await system.person();
  const stranger = await system.connectNew(eve);
  const [message_id] = messages;
  const code = async (client: Client, place: Record<string, unknown>) =>
    (await client.ask({ type: 'read', ...place })).error?.code;
  const here = { conversation_id: conversation };
  const nowhere = { conversation_id: newId() };
  t.equal(await code(stranger, { ...here, seq: 1 }), 'NOT_A_PARTICIPANT');
  t.equal(await code(stranger, { ...here, message_id }), 'NOT_A_PARTICIPANT');
  t.equal(await code(stranger, { ...nowhere, seq: 1 }), 'CONVERSATION_NOT_FOUND');
  t.equal(await code(bobPhone, { ...here, message_id: newId() }), 'MESSAGE_NOT_FOUND');
  for (const bad of [{}, { seq: 1, message_id }, { seq: -1 }, { seq: 1.5 }, { message_id: 'x' }]) {
    t.equal(await code(bobPhone, { ...here, ...bad }), 'INVALID_REQUEST');
  }
  const own = await system.conversation([eve, await system.person()]);
  t.equal(await code(stranger, { conversation_id: own, message_id }), 'MESSAGE_NOT_FOUND');
  await read(bobPhone, conversation, { seq: 2 });
  await receipt(annPhone, bob.id, { read_seq: 2 });
  await stranger.settled();
  t.same(
    [stranger, annPhone].flatMap((client) => receiptsOf(client, eve.id)),
    [],
  );
  t.same(framesOf(stranger, 'receipt'), []);
});

t.test('a read by REST reads the message and all before it', async (t) => {
  const { ann, bob, conversation, annPhone, bobPhone, messages } = await talk(3);
  const put = async (person: Person, message: unknown, edge = 1) => {
    const path = `${API}/messages/${message}/read`;
    const { status, body } = await system.rest('PUT', path, { token: person.token, edge });
    return [status, body.error?.code ?? body];
  };
  const eve = await system.person();
  const missing = [404, 'MESSAGE_NOT_FOUND'];
  t.same(await put(eve, messages[2]), missing);
  t.same(await put(bob, newId()), missing);
  t.same(await put(bob, 'x'), [400, 'INVALID_REQUEST']);
  t.same(await put(bob, messages[1]), [200, { last_read_seq: 2 }]);
  t.match(await bobPhone.next('unread'), { conversation_id: conversation, unread: 1 });
  t.match(await receipt(annPhone, bob.id, { read_seq: 2 }), { delivered_seq: 2 });
  t.same(await put(bob, messages[0], 2), [200, { last_read_seq: 2 }]);
  t.same(await put(ann, messages[0]), [200, { last_read_seq: 3 }]);
  const { body } = await get(bob, `/conversations/${conversation}`, 2);
  t.match(body, { unread: 1, last_read_seq: 2 });
});

t.test('a muted and archived conversation is read as any other conversation', async (t) => {
  const { bob, conversation, annPhone, bobPhone } = await talk(2);
  const call = (method: string, path: string, body?: unknown) =>
    system.rest(method, `${API}/conversations/${conversation}${path}`, { token: bob.token, body });
  t.equal((await call('PUT', '/mute', {})).status, 204);
  t.equal((await call('DELETE', '')).status, 204);
  t.same((await read(bobPhone, conversation, { seq: 1 })).data, { last_read_seq: 1 });
  await receipt(annPhone, bob.id, { read_seq: 1 });
  t.match(await bobPhone.next('unread'), { unread: 1 });
  const { body } = await call('GET', '');
  t.match(body, { unread: 1, last_read_seq: 1, is_muted: true, archived_at: /Z$/ });
});

t.test('a former participant neither sends nor gets receipts', async (t) => {
  const people = await system.people(3);
  const [ann, bob, zed] = people;
  const conversation = await system.conversation(people);
  const annPhone = await system.connectNew(ann);
  const bobPhone = await system.connectNew(bob);
  const former = await system.connectNew(zed, { isAcking: false });
  await annPhone.post(conversation, 'one');
  await former.messages(1);
  await receipt(annPhone, bob.id, { delivered_seq: 1 });
  const participation = `${API}/conversations/${conversation}/participants/${zed.id}`;
  t.equal((await system.rest('DELETE', participation, { token: ann.token })).status, 204);
  await former.next((frame) => frame.change === 'participants');
  const told = framesOf(former, 'receipt').length;
  const refused = await read(former, conversation, { seq: 1 });
  t.equal(refused.error?.code, 'NOT_A_PARTICIPANT');
  former.ack(Number(former.messageEvents[0]?.q));
  await read(bobPhone, conversation, { seq: 1 });
  await receipt(annPhone, bob.id, { read_seq: 1 });
  const { data } = await annPhone.post(conversation, 'two');
  await receipt(annPhone, bob.id, { delivered_seq: Number(data?.seq) });
  await former.settled();
  t.equal(framesOf(former, 'receipt').length, told);
  t.same(receiptsOf(annPhone, zed.id), []);
  const [row] = await system.sql<{ delivered_seq: string }>(
    'select delivered_seq from participants where conversation_id = $1 and user_id = $2',
    [conversation, zed.id],
  );
  t.equal(Number(row?.delivered_seq), 0);
});

t.test('the read position only rises, in whatever order two devices read', async (t) => {
  const { ann, bob, conversation, annPhone, bobPhone } = await talk(20);
  const tablet = await system.connectNew(bob, { device: 'tablet', edge: 1 });
  const seqs = numbers(1, 20).map((n) => ((n * 7) % 20) + 1);
  const answers = await Promise.all(
    seqs.map((seq, index) => read(index % 2 === 0 ? bobPhone : tablet, conversation, { seq })),
  );
  t.ok(answers.every(({ data }, index) => Number(data?.last_read_seq) >= (seqs[index] as number)));
  await receipt(annPhone, bob.id, { read_seq: 20 });
  const told = receiptsOf(annPhone, bob.id).flatMap(({ read_seq }) => read_seq ?? []);
  t.same(
    told,
    [...new Set(told)].sort((one, other) => one - other),
  );
  const { body } = await get(ann, `/conversations/${conversation}/messages`);
  const stored = (body.receipts as Positions[]).find(({ user_id }) => user_id === bob.id);
  t.match(stored, { read_seq: 20, delivered_seq: 20 });
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
