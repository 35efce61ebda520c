import t from 'tap';
import { until } from '../dev/testing/until.ts';
import { newId } from '../shared/ids.ts';
import { serverFrames } from '../shared/protocol/server-frames.ts';
import { compileValidator } from '../shared/protocol/validator.ts';
import type { Client, Frame } from './stage/client.ts';
import { type Person, shareStack } from './stage/stack.ts';

const system = await shareStack(t);
const THUMB = '👍🏽';
/** Routers look every 2-3 s for fan-outs that are owed for more than 5 s after the commit. */
const OWED_MS = 45_000;

type Shown = Frame & { version: number; change: string; reactions?: unknown[] };
type Rest = { status: number; body: Record<string, unknown> };

/** Mutes and archives the conversation for the person. */
async function quieten(person: Person, conversation: string): Promise<void> {
  await rest(person)('PUT', `/api/v1/conversations/${conversation}/mute`, {});
  const { status } = await rest(person)('DELETE', `/api/v1/conversations/${conversation}`);
  if (status !== 204) throw new Error(`${status} instead of archived`);
}

async function scene() {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const [a, b] = [await system.connectNew(ann), await system.connectNew(bob, { edge: 2 })];
  const { data } = await a.post(conversation, 'first words', { metadata: { page: 1 } });
  return { ann, bob, conversation, a, b, id: data?.message_id as string };
}

const isUpdate = compileValidator(serverFrames.message_updated);
const seen: Frame[] = [];
const updates = (client: Client): Shown[] =>
  client.received.filter((frame): frame is Shown => frame.type === 'message_updated');
async function next(client: Client, version: number, waitMs?: number): Promise<Shown> {
  const isIt = (frame: Frame): boolean =>
    frame.type === 'message_updated' && frame.version === version;
  const update = await client.next<Shown>(isIt, waitMs);
  seen.push(update);
  return update;
}
const path = (id: string, rest = ''): string => `/api/v1/messages/${id}${rest}`;
const reactionPath = (id: string, emoji: string): string =>
  path(id, `/reactions/${encodeURIComponent(emoji)}`);

const rest =
  ({ token }: Person) =>
  async (method: string, to: string, body?: unknown): Promise<Rest> =>
    await system.rest(method, to, { token, ...(body !== undefined && { body }) });

t.test('an edit, a reaction and a deletion are answered as documented and reach all', async (t) => {
  const { ann, bob, conversation, a, b, id } = await scene();
  const edited = await a.ask({ type: 'edit', message_id: id, content: 'second words' });
  t.match(edited.data, { message_id: id, content: 'second words', version: 2, status: /./ });
  const place = { message_id: id, conversation_id: conversation, seq: 1 };
  for (const client of [a, b]) {
    const { edited_at } = edited.data ?? {};
    const event = { ...place, version: 2, change: 'edited', content: 'second words', edited_at };
    t.match(await next(client, 2), { ...event, q: Number });
  }
  const reacted = await b.ask({ type: 'react', message_id: id, emoji: THUMB });
  t.same(reacted.data, { reactions: [{ emoji: THUMB, count: 1, mine: true }] });
  const shown = [{ emoji: THUMB, count: 1 }];
  const [forAnn, forBob] = [await next(a, 3), await next(b, 3)];
  t.match(forAnn, { ...place, change: 'reactions', reactions: [{ ...shown[0], mine: false }] });
  t.match(forBob, { ...place, change: 'reactions', reactions: [{ ...shown[0], mine: true }] });
  const deleted = await rest(ann)('DELETE', path(id));
  t.equal(deleted.status, 200);
  t.match(deleted.body, { message_id: id, version: 4, deleted_at: /Z$/, reactions: [] });
  t.notHas(deleted.body, { content: String });
  t.notHas(deleted.body, { metadata: Object });
  const gone = await next(b, 4);
  const { deleted_at } = deleted.body;
  t.same(gone, {
    type: 'message_updated',
    q: gone.q,
    ...place,
    version: 4,
    change: 'deleted',
    deleted_at,
  });
  t.same((await rest(bob)('GET', path(id))).body, (await system.history(bob, conversation))[0]);
});

t.test('REST changes messages alike, and a repeat has no effect', async (t) => {
  const { ann, bob, a, b, id } = await scene();
  const edited = await rest(ann)('PATCH', path(id), { content: 'by REST' });
  t.match(edited, { status: 200, body: { content: 'by REST', version: 2 } });
  await rest(ann)('PATCH', path(id), { content: 'by REST' });
  for (let times = 0; times < 2; times += 1) {
    const { status, body } = await rest(bob)('PUT', reactionPath(id, '❤'));
    t.same([status, body], [200, { reactions: [{ emoji: '❤️', count: 1, mine: true }] }]);
  }
  t.match((await rest(ann)('GET', path(id))).body, { version: 3, edited_at: /Z$/ });
  for (let times = 0; times < 2; times += 1) {
    const { status, body } = await rest(bob)('DELETE', reactionPath(id, '❤️'));
    t.same([status, body], [200, { reactions: [] }]);
  }
  await rest(ann)('DELETE', path(id));
  t.equal((await rest(ann)('DELETE', path(id))).status, 200);
  await next(b, 5);
  await b.settled();
  t.same(
    updates(b).map(({ version }) => version),
    [2, 3, 4, 5],
  );
  await next(a, 5);
  for (const bad of ['x', '👍👍', '1', '%F0%9F']) {
    const to = bad.startsWith('%') ? path(id, `/reactions/${bad}`) : reactionPath(id, bad);
    t.equal((await rest(bob)('PUT', to)).status, 400, bad);
  }
  const bad = await a.ask({ type: 'react', message_id: id, emoji: 'thumb' });
  t.equal(bad.error?.code, 'INVALID_REQUEST');
  for (const body of [
    {},
    { content: '' },
    { content: 'x', more: 1 },
    { content: 'x'.repeat(8_001) },
  ]) {
    t.equal((await rest(ann)('PATCH', path(id), body)).status, 400);
  }
});

t.test('a user without the right is refused over WebSocket and REST alike', async (t) => {
  const [ann, bob, carl, eve] = await system.people(4);
  const group = await system.conversation([ann, bob, carl]);
  const posted = await rest(bob)('POST', `/api/v1/conversations/${group}/messages`, {
    client_msg_id: newId<string>(),
    content: "Bob's",
  });
  const id = posted.body.message_id as string;
  await quieten(bob, group);
  const attempts = (message_id: string) =>
    [
      [{ type: 'edit', message_id, content: 'x' }, 'PATCH', path(message_id), { content: 'x' }],
      [{ type: 'react', message_id, emoji: THUMB }, 'PUT', reactionPath(message_id, THUMB)],
      [{ type: 'delete', message_id }, 'DELETE', path(message_id)],
    ] as const;
  const outcomes = async (person: Person, message_id = id) => {
    const client = await system.connect(person);
    const codes: string[] = [];
    for (const [frame, method, to, body] of attempts(message_id)) {
      const answer = await client.ask(frame);
      const { status, body: told } = await rest(person)(method, to, body);
      const inRest = status === 200 ? 'ok' : (told.error as { code: string }).code;
      const inFrames = answer.error?.code ?? 'ok';
      codes.push(inFrames === inRest ? inRest : `${inFrames} is not ${inRest}`);
    }
    codes.push(String((await rest(person)('GET', path(message_id))).status));
    await client.close();
    return codes;
  };
  const NONE = 'MESSAGE_NOT_FOUND';
  t.same(await outcomes(eve), [NONE, NONE, NONE, '404'], 'a stranger');
  t.same(await outcomes(ann, newId()), [NONE, NONE, NONE, '404'], 'no such message');
  t.same(await outcomes(carl), ['FORBIDDEN', 'ok', 'FORBIDDEN', '200'], 'no admin');
  await rest(carl)('DELETE', `/api/v1/conversations/${group}/participants/${carl.id}`);
  t.same(await outcomes(carl), [NONE, NONE, NONE, '404'], 'a former participant');
  t.same(await outcomes(ann), ['FORBIDDEN', 'ok', 'ok', '200'], 'the group admin');
  t.same(await outcomes(bob), ['CONFLICT', 'CONFLICT', 'ok', '200'], 'the sender, once deleted');
  const again = await rest(bob)('POST', `/api/v1/conversations/${group}/messages`, {
    client_msg_id: newId<string>(),
    content: 'again',
  });
  await quieten(bob, group);
  const own = again.body.message_id as string;
  t.same(await outcomes(bob, own), ['ok', 'ok', 'ok', '200'], 'the sender, muted');
});

t.test('one who joined later is shown and told nothing of earlier messages', async (t) => {
  const [ann, bob, late, guest] = await system.people(4);
  const group = await system.conversation([ann, bob, await system.person()]);
  const a = await system.connectNew(ann);
  const [l, g] = [await system.connectNew(late), await system.connectNew(guest)];
  const secret = await a.post(group, 'before their time');
  const id = secret.data?.message_id as string;
  const to = `/api/v1/conversations/${group}/participants`;
  await rest(ann)('POST', to, { user_ids: [late.id] });
  await rest(ann)('POST', to, { user_ids: [guest.id], share_history: true });
  await a.post(group, 'an answer', { reply_to: id });
  const full = { reply_to: { message_id: id, content: 'before their time' } };
  const isAnswer = (frame: Frame): boolean => frame.content === 'an answer';
  for (const client of [a, g]) t.match(await client.next(isAnswer), full);
  t.notOk('reply_to' in (await l.next<Frame>(isAnswer)));
  const seen = await system.history(late, group);
  t.match(seen.at(-1), { content: 'an answer' });
  t.notMatch(JSON.stringify(seen), new RegExp(`${id}|before their time`));
  await a.ask({ type: 'edit', message_id: id, content: 'edited' });
  t.match(await next(g, 2), { content: 'edited' }, 'a shared history is kept up to date');
  const mark = await a.post(group, 'mark');
  await a.ask({ type: 'react', message_id: mark.data?.message_id, emoji: THUMB });
  t.match(await next(l, 2), { change: 'reactions', message_id: mark.data?.message_id });
  await l.settled();
  t.equal(updates(l).length, 1);
  const refused = await l.ask({ type: 'react', message_id: id, emoji: THUMB });
  t.equal(refused.error?.code, 'MESSAGE_NOT_FOUND');
});

t.test('one who is removed amid changes hears nothing after the removal', async (t) => {
  const [ann, bob, carl] = await system.people(3);
  const group = await system.conversation([ann, bob, carl]);
  const clients = await Promise.all([ann, bob, carl].map((person) => system.connectNew(person)));
  const [a, b, c] = clients as [Client, Client, Client];
  const id = (await a.post(group, 'x')).data?.message_id as string;
  await c.messages(1);
  const faces = Array.from({ length: 15 }, (_, face) => String.fromCodePoint(0x1f600 + face));
  const reactions = [a, b].flatMap((client) =>
    faces.map((emoji) => client.ask({ type: 'react', message_id: id, emoji })),
  );
  await next(c, 2);
  const removal = `/api/v1/conversations/${group}/participants/${carl.id}`;
  t.equal((await rest(ann)('DELETE', removal)).status, 204);
  await Promise.all(reactions);
  const isRemoval = (frame: Frame): boolean =>
    frame.type === 'conversation' && frame.change === 'participants';
  await c.next(isRemoval, OWED_MS);
  await Promise.all([next(a, 31), next(b, 31)]);
  await c.settled();
  const last = c.received.findLastIndex((frame) => frame.q !== undefined);
  t.ok(isRemoval(c.received[last] as Frame), `${c.received[last]?.type} came last`);
  const versions = updates(c).map(({ version }) => version);
  t.same(
    versions,
    versions.map((_, index) => index + 2),
    'all changes before it came in order',
  );
});

t.test('a device that was away gets all changes, and a new device their result', async (t) => {
  const { ann, bob, a, b, id } = await scene();
  await b.settled();
  await b.close();
  await a.ask({ type: 'edit', message_id: id, content: 'two' });
  await a.ask({ type: 'react', message_id: id, emoji: THUMB });
  await a.ask({ type: 'edit', message_id: id, content: 'four' });
  const back = await system.connect(bob);
  await next(back, 4);
  t.match(updates(back), [
    { version: 2, content: 'two' },
    { version: 3, content: 'two', reactions: [{ emoji: THUMB, mine: false }] },
    { version: 4, content: 'four', reactions: [{ emoji: THUMB, mine: false }] },
  ]);
  // What Bob's first device had must be stored before, or it would come after the reset.
  await until('the position is stored', async () => {
    const query = 'select 1 from participants where user_id = $1 and delivered_seq > 0';
    return (await system.sql(query, [bob.id])).length === 1;
  });
  await system.sql('update participants set delivered_seq = 0, read_seq = 0 where user_id = $1', [
    bob.id,
  ]);
  const fresh = await system.connect(bob, { device: 'tablet' });
  t.match(await fresh.next('message'), { version: 4, content: 'four', reactions: [{ count: 1 }] });
  t.ok(ann);
});

t.test('a reply shows 140 code points of the message it replies to as it is now', async (t) => {
  const { bob, conversation, a, b, id } = await scene();
  const long = '🙏'.repeat(200);
  await a.ask({ type: 'edit', message_id: id, content: long });
  await b.post(conversation, 'an answer', { reply_to: id });
  const preview = { message_id: id, content: '🙏'.repeat(140) };
  t.match(await a.next((frame) => frame.content === 'an answer'), { reply_to: preview });
  await a.ask({ type: 'delete', message_id: id });
  const [, answer] = await system.history(bob, conversation);
  t.match(answer?.reply_to, { message_id: id, content: '', deleted: true });
  await b.post(conversation, 'another', { reply_to: id });
  t.match(await a.next((frame) => frame.content === 'another'), { reply_to: { deleted: true } });
});

t.test('of 50 changes at once no version is missing, and REST shows the last one', async (t) => {
  const people = await system.people(5);
  const group = await system.conversation(people);
  const clients = await Promise.all(
    people.map((person, index) => system.connectNew(person, { edge: 1 + (index % 2) })),
  );
  const [first] = clients as [Client];
  const id = (await first.post(group, 'x')).data?.message_id as string;
  const faces = Array.from({ length: 10 }, (_, face) => String.fromCodePoint(0x1f600 + face));
  await Promise.all(
    clients.flatMap((client, index) =>
      faces.map((emoji, face) =>
        index === 0 && face < 2
          ? client.ask({ type: 'edit', message_id: id, content: `edit ${face}` })
          : client.ask({ type: 'react', message_id: id, emoji }),
      ),
    ),
  );
  const [owner] = people;
  const message = (await rest(owner)('GET', path(id))).body;
  t.equal(message.version, 51);
  for (const client of clients) {
    await next(client, 51);
    await until('all updates have come', () => updates(client).length >= 50);
    seen.push(...updates(client));
    t.same(
      updates(client).map(({ version }) => version),
      Array.from({ length: 50 }, (_, index) => index + 2),
      'in order',
    );
  }
  const last = updates(first).find(({ version }) => version === 51);
  t.same(last?.reactions, message.reactions);
  t.equal(last?.content, message.content);
});

t.test('the chat list shows the last message as it is, and nothing of a deleted one', async (t) => {
  const { ann, bob, conversation, a, id } = await scene();
  const shown = async (person: Person): Promise<unknown> => {
    const { body } = await rest(person)('GET', '/api/v1/conversations');
    const [first] = body.conversations as { last_message: Record<string, unknown> }[];
    const one = await rest(person)('GET', `/api/v1/conversations/${conversation}`);
    t.same(one.body.last_message, first?.last_message);
    return first?.last_message.content;
  };
  const both = async (): Promise<unknown[]> => [await shown(ann), await shown(bob)];
  t.same(await both(), ['first words', 'first words']);
  await a.ask({ type: 'edit', message_id: id, content: 'second words' });
  t.same(await both(), ['second words', 'second words']);
  await a.ask({ type: 'delete', message_id: id });
  t.same(await both(), ['', '']);
});

t.test('after 15 minutes a message can be deleted but not edited', async (t) => {
  const { ann, a, id } = await scene();
  await system.sql(
    `update messages set sent_at = sent_at - interval '15 min' where message_id = $1`,
    [id],
  );
  const edit = { type: 'edit', message_id: id, content: 'too late' };
  t.equal((await a.ask(edit)).error?.code, 'FORBIDDEN');
  t.equal((await rest(ann)('PATCH', path(id), { content: 'too late' })).status, 403);
  t.match((await a.ask({ type: 'delete', message_id: id })).data, { version: 2 });
});

t.test('changes count towards the rate of sends', async (t) => {
  const { a, id } = await scene();
  const asked = Array.from({ length: 40 }, () => a.ask({ type: 'delete', message_id: id }));
  const codes = (await Promise.all(asked)).map(({ error }) => error?.code);
  t.ok(codes.includes('RATE_LIMITED'));
});

t.test('every event had the documented shape', async (t) => {
  t.ok(seen.length > 100);
  t.same(
    seen.filter((frame) => !isUpdate.check(frame)),
    [],
  );
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
