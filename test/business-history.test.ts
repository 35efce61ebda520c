import t from 'tap';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import { makeBusiness } from './stage/business.ts';
import { BusinessConversation } from './stage/business-conversation.ts';
import type { Client, Frame } from './stage/client.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { type RestAnswer, shareStack } from './stage/stack.ts';

const system = await shareStack(t);

const codeOf = ({ status, body }: RestAnswer): string =>
  status < 300 ? 'ok' : String(body.error?.code);
const isStep = (frame: Frame): boolean =>
  frame.type === 'conversation' && frame.change === 'assigned';
const isTyping = (frame: Frame): boolean => frame.type === 'typing';
const participantsOf = (frame: Frame): string[] =>
  (frame.conversation as { participants: { user_id: string }[] }).participants.map(
    ({ user_id }) => user_id,
  );

/** Ann has the conversation, and each of the people in it has a socket. */
async function setScene() {
  const [customer, manager, ann, bob] = await system.people(4);
  const business = await makeBusiness(system, { managers: [manager], agents: [ann, bob] });
  const talk = await BusinessConversation.open(system, customer, business);
  const phone = await system.connectNew(customer);
  const a = await system.connectNew(ann, { edge: 2 });
  await talk.say(customer, 'first');
  await talk.assign(ann);
  await a.next(isStep);
  return { customer, manager, ann, bob, business, talk, phone, a };
}

/** Resolves once the client has what was owed to its user before they lost the conversation. */
async function losing(client: Client, userId: string): Promise<Frame> {
  return client.next((frame) => isStep(frame) && !participantsOf(frame).includes(userId));
}

t.test('an agent sees all from the first message on, whoever had it before', async (t) => {
  const { customer, ann, bob, talk } = await setScene();
  await talk.say(ann, 'from Ann');
  const before = seqsOf(await talk.history(customer));
  t.equal(codeOf(await talk.assign(ann, { agent_id: bob.id })), 'ok');
  const seen = await talk.history(bob);
  t.same(seqsOf(seen), numbers(1, before.length + 1));
  t.match(seen[0], { content: 'first', sender_id: customer.id });
  t.match((await talk.get(bob)).body, { first_seq: 1 });
  const first = seen[0]?.message_id;
  const got = await system.rest('GET', `/api/v1/messages/${first}`, { token: bob.token });
  t.match(got.body, { content: 'first' });
  const reply = await talk.ask(bob, 'POST /messages', {
    ...{ client_msg_id: newId<string>(), content: 'to that', reply_to: first },
  });
  t.equal(codeOf(reply), 'ok');
});

t.test('who waits is read by every agent, who gets no live message of it', async (t) => {
  const { customer, ann, bob, talk, a } = await setScene();
  const b = await system.connectNew(bob);
  await talk.release(ann);
  await losing(a, ann.id);
  await talk.say(customer, 'Is anybody there?');
  for (const agent of [ann, bob]) {
    const { body } = await talk.get(agent);
    t.match(body, { state: 'waiting', last_message: { content: 'Is anybody there?' } });
    for (const own of ['unread', 'last_read_seq', 'is_muted']) t.notOk(own in body, own);
    t.match((await talk.history(agent)).at(-1), { content: 'Is anybody there?' });
  }
  await a.settled();
  await b.settled();
  const heard = [...a.messageEvents, ...b.messageEvents].map(({ content }) => content);
  t.notOk(heard.includes('Is anybody there?'));
});

t.test('who loses a conversation gets one last event, and nothing sent after it', async (t) => {
  const { customer, ann, bob, talk, phone, a } = await setScene();
  const tablet = await system.connectNew(ann, { device: 'tablet', edge: 1 });
  let isOver = false;
  let said = 0;
  const writing = (async () => {
    while (!isOver) {
      const { error } = await phone.post(talk.id, `m${said}`);
      if (error === undefined) said += 1;
      else if (error.code !== 'RATE_LIMITED') throw new Error(error.code);
    }
  })();
  await a.messages(5);
  const b = await system.connectNew(bob);
  t.equal(codeOf(await talk.assign(ann, { agent_id: bob.id })), 'ok');
  await b.messages(3);
  isOver = true;
  await writing;
  const history = await talk.history(customer);
  const handed = history.findLast(({ metadata }) => metadata !== undefined) as { seq: number };
  t.ok(handed.seq < history.length, 'the customer has written after the transfer');
  for (const device of [a, tablet]) {
    const last = await losing(device, ann.id);
    await device.settled();
    t.equal(
      device.received.findLast(({ q }) => q !== undefined),
      last,
      'nothing comes after the loss',
    );
    t.ok(device.messageEvents.every(({ seq }) => seq < handed.seq));
  }
  t.same(seqsOf(b.messageEvents), numbers(handed.seq, history.length));
});

t.test('a former agent is answered the repeat of a send, and nothing new', async (t) => {
  const { customer, manager, ann, bob, talk, business } = await setScene();
  const key = newId<string>();
  const { body: first } = await talk.say(ann, 'committed', key);
  const ask = (content: string) => talk.say(ann, content, key);
  const losses: [string, () => Promise<unknown>][] = [
    ['handed on', () => talk.assign(ann, { agent_id: bob.id })],
    ['released', () => talk.release(bob)],
    ['closed', () => talk.close(manager)],
    [
      'dismissed',
      () =>
        system.rest('DELETE', `/api/v1/businesses/${business}/agents/${ann.id}`, {
          token: manager.token,
        }),
    ],
  ];
  for (const [name, lose] of losses) {
    await lose();
    const again = await ask('whatever it says now');
    t.equal(again.status, 200, name);
    t.same(again.body, { ...first, duplicate: true }, name);
    t.equal(codeOf(await talk.say(ann, 'new')), 'NOT_A_PARTICIPANT', name);
  }
  const contents = (await talk.history(customer)).map(({ content }) => content);
  t.equal(contents.filter((content) => content === 'committed').length, 1);
  t.notOk(contents.includes('new') || contents.includes('whatever it says now'));
  const stranger = await system.person();
  t.equal(codeOf(await talk.say(stranger, 'x', key)), 'NOT_A_PARTICIPANT', 'a key has its sender');
});

t.test('losing a conversation takes reading, writing and reacting with it at once', async (t) => {
  const { ann, talk, a } = await setScene();
  const { body } = await talk.say(ann, 'mine');
  const message = String(body.message_id);
  const before = await a.ask({ type: 'history', conversation_id: talk.id });
  t.equal(before.type, 'reply');
  await talk.assign(ann, { agent_id: (await secondAgent(talk, ann.id)).id });
  const frames: [object, string][] = [
    [{ type: 'history', conversation_id: talk.id }, 'NOT_A_PARTICIPANT'],
    [{ type: 'read', conversation_id: talk.id, seq: 1 }, 'NOT_A_PARTICIPANT'],
    [{ type: 'typing', conversation_id: talk.id, is_typing: true }, 'NOT_A_PARTICIPANT'],
    [{ type: 'edit', message_id: message, content: 'no' }, 'MESSAGE_NOT_FOUND'],
    [{ type: 'delete', message_id: message }, 'MESSAGE_NOT_FOUND'],
    [{ type: 'react', message_id: message, emoji: '👍' }, 'MESSAGE_NOT_FOUND'],
    [{ type: 'release', conversation_id: talk.id }, 'NOT_A_PARTICIPANT'],
    [{ type: 'close', conversation_id: talk.id }, 'NOT_A_PARTICIPANT'],
  ];
  for (const [frame, code] of frames) {
    const { error } = await a.ask(frame as Record<string, unknown>);
    t.equal(error?.code, code, JSON.stringify(frame));
  }
});

/** Resolves with another agent of the business of the conversation. */
async function secondAgent(talk: BusinessConversation, annId: string) {
  const rows = await system.sql<{ user_id: string }>(
    `select user_id from business_agents a join conversations c using (business_id)
     where conversation_id = $1 and user_id <> $2 and role = 'agent'`,
    [talk.id, annId],
  );
  return { id: rows[0]?.user_id ?? '' };
}

t.test('losing a conversation takes typing with it', async (t) => {
  const { customer, ann, bob, talk, phone, a } = await setScene();
  const type = (client: Client, is_typing = true) =>
    client.ask({ type: 'typing', conversation_id: talk.id, is_typing });
  await type(a);
  t.match(await phone.next(isTyping), { user_id: ann.id, is_typing: true });
  await type(phone);
  t.match(await a.next(isTyping), { user_id: customer.id, is_typing: true });
  const b = await system.connectNew(bob);
  await talk.assign(ann, { agent_id: bob.id });
  await losing(a, ann.id);
  const heard = a.received.filter(isTyping).length;
  await type(phone, false);
  await type(phone);
  t.match(await b.next(isTyping), { user_id: customer.id, is_typing: true });
  await a.settled();
  t.equal(a.received.filter(isTyping).length, heard, 'a former agent hears of no typing');
});

t.test('losing a conversation takes presence with it', async (t) => {
  const { customer, ann, talk, a, phone } = await setScene();
  const ask = async (client: Client, id: string) => {
    const { data } = await client.ask({ type: 'presence_watch', user_ids: [id] });
    const [entry] = (data?.presence ?? []) as { status: string }[];
    return entry?.status;
  };
  await until('the agent sees the customer', async () => (await ask(a, customer.id)) === 'online');
  await until('and is seen', async () => (await ask(phone, ann.id)) === 'online');
  await talk.release(ann);
  await until('a former agent sees nobody', async () => (await ask(a, customer.id)) === 'unknown');
  await until('and is not seen', async () => (await ask(phone, ann.id)) === 'unknown');
  const { body } = await system.rest('GET', `/api/v1/presence?user_ids=${customer.id}`, {
    token: ann.token,
  });
  t.match(body.presence, [{ status: 'unknown' }]);
});
