import t from 'tap';
import { until } from '../dev/testing/until.ts';
import { makeBusiness } from './stage/business.ts';
import { BusinessConversation } from './stage/business-conversation.ts';
import type { Client, Frame } from './stage/client.ts';
import { type Person, shareStack } from './stage/stack.ts';

const system = await shareStack(t);

type Receipt = { user_id: string; delivered_seq: number; read_seq: number };
const isStep = (frame: Frame): boolean =>
  frame.type === 'conversation' && frame.change === 'assigned';
const typesOf = (client: Client): string[] => client.received.map(({ type }) => type);

/** A customer has written twice, and waits for an agent. */
async function setScene() {
  const [customer, manager, ann, bob] = await system.people(4);
  const business = await makeBusiness(system, { managers: [manager], agents: [ann, bob] });
  const talk = await BusinessConversation.open(system, customer, business);
  await talk.say(customer, 'one');
  await talk.say(customer, 'two');
  const page = async (person: Person) => {
    const { body } = await talk.ask(person, 'GET /messages');
    return body as { messages: { status?: string }[]; receipts: Receipt[] };
  };
  const statuses = async () => (await page(customer)).messages.map(({ status }) => status);
  const receiptOf = async ({ id }: Person) =>
    (await page(customer)).receipts.find(({ user_id }) => user_id === id);
  return { customer, manager, ann, bob, business, talk, page, statuses, receiptOf };
}

t.test('while nobody else is there a message is sent, whoever reads it', async (t) => {
  const { customer, manager, ann, business, talk, page, statuses } = await setScene();
  t.same(await statuses(), ['sent', 'sent']);
  const asManager = await page(manager);
  t.equal((await page(ann)).messages.length, 2);
  t.same(
    asManager.messages.map(({ status }) => status),
    [undefined, undefined],
  );
  t.same(await statuses(), ['sent', 'sent'], 'reading without taking part delivers nothing');
  const { body } = await talk.get(customer);
  const itself = (body.participants as object[]).at(-1);
  t.same(itself, {
    ...{ user_id: business, role: 'business', name: 'Unknown Business' },
    joined_at: body.created_at,
  });
  const receipts = asManager.receipts.map(({ user_id }) => user_id);
  t.same(receipts, [customer.id], 'a business has no positions');
});

t.test('an assignment marks nothing of the customer as delivered or read', async (t) => {
  const { customer, ann, bob, talk, statuses, receiptOf } = await setScene();
  const phone = await system.connectNew(customer);
  await talk.assign(ann);
  await phone.next(isStep);
  t.same(await statuses(), ['sent', 'sent', undefined]);
  t.match(await receiptOf(ann), { delivered_seq: 0, read_seq: 0 });
  t.match((await talk.get(ann)).body, { unread: 3, last_read_seq: 0 });
  await talk.assign(ann, { agent_id: bob.id });
  await phone.next(isStep);
  t.match(await receiptOf(bob), { delivered_seq: 0, read_seq: 0 });
  t.equal(await receiptOf(ann), undefined);
  t.same((await statuses()).slice(0, 2), ['sent', 'sent']);
  await phone.settled();
  t.notOk(typesOf(phone).includes('receipt'));
});

t.test('positions of the next agent start before what nobody has answered', async (t) => {
  const { customer, manager, ann, bob, talk, receiptOf, statuses } = await setScene();
  await talk.assign(ann);
  const { body: answer } = await talk.say(ann, 'answer');
  t.same((await statuses()).slice(0, 2), ['read', 'read'], 'who answers has read');
  await talk.assign(manager, { agent_id: bob.id });
  const start = Number((await receiptOf(bob))?.read_seq);
  t.equal(start, Number(answer.seq), 'all before the transfer is answered');
  const { body: third } = await talk.say(customer, 'three');
  await talk.release(bob);
  await talk.assign(ann);
  t.equal(Number((await receiptOf(ann))?.read_seq), Number(third.seq) - 1);
  t.match((await talk.get(ann)).body, { last_read_seq: Number(third.seq) - 1 });
});

t.test('receipts, unread and statuses go between the customer and the agent', async (t) => {
  const { customer, ann, talk, statuses } = await setScene();
  const phone = await system.connectNew(customer);
  const a = await system.connectNew(ann, { edge: 2, isAcking: false });
  await talk.assign(ann);
  await a.next(isStep);
  const { data } = await phone.post(talk.id, 'three');
  const seq = Number(data?.seq);
  const event = await a.next((frame) => frame.seq === seq);
  a.ack(Number(event.q));
  const isReceipt = (more: object) => (frame: Frame) =>
    frame.type === 'receipt' &&
    Object.entries({ user_id: ann.id, ...more }).every(([name, value]) => frame[name] === value);
  await phone.next(isReceipt({ delivered_seq: seq }));
  t.match((await a.ask({ type: 'read', conversation_id: talk.id, seq })).data, {
    last_read_seq: seq,
  });
  await phone.next(isReceipt({ read_seq: seq }));
  t.match(await a.next('unread'), { conversation_id: talk.id, unread: 0 });
  await until('all of the customer is read', async () => {
    return (await statuses()).filter((status) => status === 'read').length === 3;
  });
  await talk.say(ann, 'answer');
  t.match((await talk.get(customer)).body, { unread: Number });
  const unread = Number((await talk.get(customer)).body.unread);
  t.ok(unread > 0);
  await phone.ask({ type: 'read', conversation_id: talk.id, seq: seq + 10 });
  t.match((await talk.get(customer)).body, { unread: 0 });
  const { body } = await talk.ask(ann, 'GET /messages');
  const own = (body.messages as { sender_id: string; status?: string; message_type: string }[])
    .filter(({ sender_id, message_type }) => sender_id === ann.id && message_type !== 'system')
    .map(({ status }) => status);
  t.same(own, ['read'], 'the business itself is not waited for');
});

t.test('customer and agent mute and archive for themselves alone', async (t) => {
  const { customer, ann, bob, talk } = await setScene();
  await talk.assign(ann);
  const listed = async ({ token }: Person, query = '') => {
    const path = `/api/v1/conversations?${query}`;
    const { body } = await system.rest('GET', path, { token });
    return (body.conversations as { conversation_id: string }[]).map((one) => one.conversation_id);
  };
  for (const [one, other] of [
    [customer, ann],
    [ann, customer],
  ] as [Person, Person][]) {
    t.equal((await talk.ask(one, 'PUT /mute')).status, 204);
    t.match((await talk.get(one)).body, { is_muted: true });
    t.match((await talk.get(other)).body, { is_muted: false });
    t.equal((await talk.ask(one, 'DELETE /mute')).status, 204);
    t.match((await talk.get(one)).body, { is_muted: false });
    t.equal((await talk.ask(one, 'DELETE ')).status, 204);
    t.match((await talk.get(one)).body, { archived_at: String });
    t.notOk((await listed(one)).includes(talk.id));
    t.ok((await listed(one, 'archived=true')).includes(talk.id));
    t.ok((await listed(other)).includes(talk.id));
    t.equal((await talk.say(other, 'back')).status, 201);
    t.ok((await listed(one)).includes(talk.id), 'a message brings it back');
  }
  await talk.ask(ann, 'PUT /mute');
  await talk.ask(ann, 'DELETE ');
  await talk.assign(ann, { agent_id: bob.id });
  t.match((await talk.get(bob)).body, { is_muted: false });
  t.notOk((await listed(ann, 'archived=true')).includes(talk.id));
  await talk.assign(bob, { agent_id: ann.id });
  const { body } = await talk.get(ann);
  t.match(body, { is_muted: false }, 'who gets it again begins anew');
  t.notOk('archived_at' in body);
});
