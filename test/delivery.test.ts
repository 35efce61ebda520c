import t from 'tap';
import type { Client } from './stage/client.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { type Person, shareStack } from './stage/stack.ts';

const system = await shareStack(t);

/** Sends the messages without waiting between them, then waits for all answers. */
function pipeline(client: Client, conversation: string, contents: string[]) {
  return Promise.all(contents.map((content) => client.post(conversation, content)));
}

t.test('both people get every message once and in order on each of their devices', async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const places = [ann, ann, bob, bob].map((person, index) => ({
    person,
    options: { edge: 1 + (index % 2), device: `device-${index}` },
  }));
  const devices = await Promise.all(
    places.map(({ person, options }) => system.connectNew(person, options)),
  );
  for (const device of devices) {
    for (const n of numbers(1, 4)) t.match(await device.post(conversation, `${n}`), { data: {} });
  }
  for (const device of devices) {
    const events = await device.messages(16);
    t.same(seqsOf(events), numbers(1, 16));
    t.same(
      events.map(({ q }) => q),
      events.map((_, index) => (events[0]?.q as number) + index),
    );
  }
});

t.test('eight people who all write at once read the same, without a gap', async (t) => {
  const people: Person[] = await system.people(8);
  const conversation = await system.conversation(people);
  const clients = await Promise.all(
    people.map((person, index) => system.connectNew(person, { edge: 1 + (index % 2) })),
  );
  const answers = await Promise.all(
    clients.map((client, who) =>
      pipeline(
        client,
        conversation,
        numbers(1, 15).map((n) => `${who}/${n}`),
      ),
    ),
  );
  t.ok(answers.flat().every(({ type }) => type === 'reply'));
  const expected = (await system.history(people[0] as Person, conversation)).map(
    ({ seq, content }) => [seq, content],
  );
  t.same(
    expected.map(([seq]) => seq),
    numbers(1, 120),
  );
  for (const client of clients) {
    const events = await client.messages(120);
    t.same(
      events.map(({ seq, content }) => [seq, content]),
      expected,
    );
  }
  for (const who of people.keys()) {
    const own = expected.map(([, content]) => String(content));
    t.same(
      own.filter((content) => content.startsWith(`${who}/`)),
      numbers(1, 15).map((n) => `${who}/${n}`),
      'the messages of a sender are in the order of sending',
    );
  }
});

t.test('the answer to a send and its event agree', async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const a = await system.connectNew(ann);
  const b = await system.connectNew(bob, { edge: 2 });
  const first = await a.post(conversation, 'first');
  const metadata = { width: 3, tags: ['x', { deep: null }] };
  const more = { metadata, message_type: 'image', reply_to: first.data?.message_id };
  const { data } = await a.post(conversation, '🙂 second', more);
  const [, event] = await b.messages(2);
  const { message_id, client_msg_id, seq, sent_at } = data as Record<string, unknown>;
  t.match(sent_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const { q, ...rest } = event ?? {};
  t.same(rest, {
    type: 'message',
    ...{ message_id, client_msg_id, seq, sent_at, conversation_id: conversation },
    ...{ sender_id: ann.id, version: 1, content: '🙂 second', message_type: 'image', metadata },
    reply_to: {
      message_id: first.data?.message_id,
      sender_id: ann.id,
      message_type: 'text',
      content: 'first',
    },
  });
  t.type(q, 'number');
});

t.test('somebody outside hears and reads nothing', async (t) => {
  const [ann, bob, eve] = await system.people(3);
  const conversation = await system.conversation([ann, bob]);
  const [a, b] = await Promise.all([ann, bob].map((person) => system.connectNew(person)));
  const e = await system.connectNew(eve, { edge: 2 });
  await (a as Client).post(conversation, 'between us');
  await b?.messages(1);
  const refused = await e.ask({ type: 'history', conversation_id: conversation });
  t.match(refused, { error: { code: 'NOT_A_PARTICIPANT' } });
  t.match(await e.post(conversation, 'hi'), { error: { code: 'NOT_A_PARTICIPANT' } });
  t.match(await e.ask({ type: 'conversations' }), { data: { conversations: [] } });
  const own = await system.conversation([eve, ann]);
  await e.post(own, 'mine');
  const [first] = await e.messages(1);
  t.equal(first?.conversation_id, own, 'the only message that ever came');
});

t.test('a device that is slow to acknowledge delays no other', async (t) => {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const silent = await system.connectNew(bob, { device: 'silent', isAcking: false });
  const quick = await system.connectNew(bob, { device: 'quick', edge: 2 });
  const a = await system.connectNew(ann);
  await pipeline(
    a,
    conversation,
    numbers(1, 20).map((n) => `${n}`),
  );
  t.same(seqsOf(await quick.messages(20)), numbers(1, 20));
  t.equal((await silent.messages(20)).length, 20);
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
