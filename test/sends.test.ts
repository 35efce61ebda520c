import t from 'tap';
import { newId } from '../shared/ids.ts';
import type { Client } from './stage/client.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { type Person, shareStack } from './stage/stack.ts';
import { append, connectAsRouter, itemOf } from './stage/store-bus.ts';

const system = await shareStack(t);

async function scene() {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const [a, b] = await Promise.all([
    system.connectNew(ann, { edge: 1 }),
    system.connectNew(bob, { edge: 2 }),
  ]);
  return { ann, bob, conversation, a, b };
}

t.test('a repeated send is answered with the first values, whatever it holds', async (t) => {
  const { ann, bob, conversation, a, b } = await scene();
  const key = { client_msg_id: newId<string>() };
  const first = await a.post(conversation, 'first', key);
  const { client_msg_id, message_id, seq, sent_at } = first.data ?? {};
  t.equal(client_msg_id, key.client_msg_id);
  t.notHas(first.data, { duplicate: true });
  const repeats = [
    await a.post(conversation, 'first', key),
    await a.post(conversation, 'other content', { ...key, message_type: 'file' }),
    await (await system.connectNew(ann, { device: 'tablet', edge: 2 })).post(
      conversation,
      'x',
      key,
    ),
  ];
  for (const { data } of repeats) {
    t.same(data, {
      ...{ client_msg_id, message_id, seq, sent_at, conversation_id: conversation },
      duplicate: true,
    });
  }
  const rest = await system.rest('POST', `/api/v1/conversations/${conversation}/messages`, {
    token: ann.token,
    headers: { 'idempotency-key': key.client_msg_id },
    body: { content: 'by REST' },
  });
  t.equal(rest.status, 200);
  t.match(rest.body, { message_id, seq, sent_at, duplicate: true });
  await b.post(conversation, 'after');
  t.same(
    (await b.messages(2)).map(({ content }) => content),
    ['first', 'after'],
    'the others get one event',
  );
  const ofBob = await b.post(conversation, 'own', key);
  t.match(ofBob.data, { seq: 3 }, 'the key belongs to its sender');
  t.equal((await system.history(bob, conversation)).length, 3);
});

t.test('the same key in two conversations makes two messages', async (t) => {
  const [ann, bob, eve] = await system.people(3);
  const key = { client_msg_id: newId<string>() };
  const a = await system.connectNew(ann);
  for (const other of [bob, eve]) {
    const answer = await a.post(await system.conversation([ann, other]), 'hello', key);
    t.match(answer.data, { seq: 1 });
    t.notHas(answer.data, { duplicate: true });
  }
});

t.test('a key that many sockets send at once makes one message', async (t) => {
  const { ann, conversation, a, b } = await scene();
  const others = await Promise.all(
    numbers(1, 4).map((n) => system.connectNew(ann, { device: `d-${n}`, edge: 1 + (n % 2) })),
  );
  const key = { client_msg_id: newId<string>() };
  const copies = numbers(1, 4).flatMap(() => [a, ...others]);
  const answers = await Promise.all(copies.map((one) => one.post(conversation, 'x', key)));
  t.ok(
    answers.every(({ type }) => type === 'reply'),
    'all 20 are answered',
  );
  t.equal(new Set(answers.map(({ data }) => data?.message_id)).size, 1);
  t.equal(answers.filter(({ data }) => data?.duplicate !== true).length, 1);
  await b.post(conversation, 'end');
  t.same(seqsOf(await b.messages(2)), [1, 2]);
});

t.test('stores that race on one key write one message', async (t) => {
  const { ann, conversation, a, b } = await scene();
  const bus = await connectAsRouter(system);
  t.teardown(() => bus.close());
  for (const round of numbers(1, 15)) {
    const key = newId<string>();
    const replies = await Promise.all(
      numbers(1, 6).map(() => append(bus, conversation, [itemOf(ann.id, key, 'raced')])),
    );
    const results = replies.flatMap(({ results }) => results);
    const written = results.filter((one) => one.ok && one.duplicate !== true);
    t.equal(written.length, 1, `round ${round}`);
    t.ok(
      results.every((one) => one.ok && one.seq === round),
      'all answers have the same seq',
    );
  }
  const last = await a.post(conversation, 'last');
  t.match(last.data, { seq: 16 });
  t.ok(b.isOpen);
});

t.test('the append refuses a removed participant whatever routers still believe', async (t) => {
  const { ann, bob, conversation, a, b } = await scene();
  await b.post(conversation, 'while in it');
  await a.messages(1);
  const leave =
    'update participants set left_at = now() where conversation_id = $1 and user_id = $2';
  await system.sql(leave, [conversation, bob.id]);
  const key = { client_msg_id: newId<string>() };
  const refused = await b.post(conversation, 'after it', key);
  t.match(refused, { error: { code: 'NOT_A_PARTICIPANT' }, client_msg_id: key.client_msg_id });
  t.match(await postRest(bob, conversation), {
    status: 403,
    body: { error: { code: 'NOT_A_PARTICIPANT' } },
  });
  const known = await b.post(conversation, 'while in it', key);
  t.match(known, { error: { code: 'NOT_A_PARTICIPANT' } });
  t.match((await a.post(conversation, 'alone')).data, { seq: 2 }, 'no seq was used up');
  t.same(seqsOf(await a.messages(2)), [1, 2]);
  t.same(seqsOf(await system.history(ann, conversation)), [1, 2]);
});

t.test('one who never took part is refused amid valid sends', async (t) => {
  const { conversation, a, b } = await scene();
  const e = await system.connectNew(await system.person());
  const sends = numbers(1, 5).flatMap((n) => [
    a.post(conversation, `a${n}`),
    e.post(conversation, `e${n}`),
    b.post(conversation, `b${n}`),
  ]);
  const answers = await Promise.all(sends);
  t.equal(answers.filter(({ error }) => error?.code === 'NOT_A_PARTICIPANT').length, 5);
  t.equal(answers.filter(({ type }) => type === 'reply').length, 10);
  t.same(seqsOf(await b.messages(10)), numbers(1, 10));
});

/**
 * Makes the database refuse rows with this key, as it might some day for a reason that nobody
 * foresaw.
 */
async function poison(key: string): Promise<() => Promise<unknown>> {
  const name = `poison_${key.slice(0, 8)}`;
  const check = `check (client_msg_id <> '${key}')`;
  await system.sql(`alter table message_keys add constraint ${name} ${check} not valid`);
  return () => system.sql(`alter table message_keys drop constraint ${name}`);
}

t.test('one message that the database refuses fails alone among 200 good ones', async (t) => {
  const people: Person[] = await system.people(8);
  const conversation = await system.conversation(people);
  const clients = await Promise.all(
    people.map((person, index) => system.connectNew(person, { edge: 1 + (index % 2) })),
  );
  const key = newId<string>();
  const cure = await poison(key);
  const poisoner = clients[3] as Client;
  const send = (who: number) => postAll(clients[who] as Client, conversation, { who, count: 25 });
  const before = [0, 1, 2].map(send);
  const bad = poisoner.post(conversation, 'poison', { client_msg_id: key });
  const good = [...before, ...[3, 4, 5, 6, 7].map(send)];
  const contents = (await Promise.all(good)).flat();
  t.match(await bad, { client_msg_id: key, error: { code: 'INVALID_REQUEST' } });
  const events = await (clients[0] as Client).messages(200);
  t.same(seqsOf(events), numbers(1, 200));
  t.same(new Set(events.map(({ content }) => content)), new Set(contents));
  await cure();
  const last = clients[7] as Client;
  await postAll(last, conversation, { who: 7, count: 1 });
  t.match((await last.messages(201)).at(-1), { seq: 201 });
});

/**
 * Sends the messages at once. Those that the rate limit refuses are sent again when they may be.
 */
async function postAll(
  client: Client,
  conversation: string,
  { who, count }: { who: number; count: number },
) {
  const contents = numbers(1, count).map((n) => `${who}/${n}`);
  await Promise.all(
    contents.map(async (content) => {
      for (;;) {
        const answer = await client.post(conversation, content);
        if (answer.type === 'reply') return;
        if (answer.error?.code !== 'RATE_LIMITED') throw new Error(JSON.stringify(answer));
        const waitMs = 1_000 * (answer.error.retry_after ?? 1);
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }),
  );
  return contents;
}

function postRest(person: Person, conversation: string) {
  const body = { client_msg_id: newId<string>(), content: 'x' };
  const path = `/api/v1/conversations/${conversation}/messages`;
  return system.rest('POST', path, { token: person.token, body });
}

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
