import t from 'tap';
import { newId } from '../shared/ids.ts';
import type { Client, Frame, MessageEvent } from './stage/client.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { type Person, type RestAnswer, shareStack } from './stage/stack.ts';

const system = await shareStack(t);
/**
 * One router may create a group while another handles the leave, while the fan-out of the creation
 * is still owed. The event of the leave must come sooner than the repair would send it.
 */
const SOONER_THAN_REPAIR_MS = 4_500;
const API = '/api/v1/conversations';

const callAs =
  ({ token }: Person, method: string) =>
  (path: string, body?: unknown) =>
    system.rest(method, `${API}/${path}`, { token, body, edge: path.length % 2 === 0 ? 1 : 2 });
const codeOf = ({ status, body }: RestAnswer) => [status, body.error?.code];
const isChange = (change: string) => (frame: Frame) =>
  frame.type === 'conversation' && frame.change === change;
const isSystem =
  (event: string) =>
  (message: object): boolean =>
    (message as { metadata?: { event?: string } }).metadata?.event === event;
const idsIn = (frame: object): Set<string> =>
  new Set(
    (frame as { participants: { user_id: string }[] }).participants.map(({ user_id }) => user_id),
  );

async function group(count: number) {
  const people: Person[] = await system.people(count);
  const [admin, ...others] = people as [Person, ...Person[]];
  const body = { type: 'group', participant_ids: others.map(({ id }) => id) };
  const made = await system.rest('POST', API, { token: admin.token, body });
  const id = made.body.conversation_id as string;
  system.canaries.add(id);
  const devices = await Promise.all(
    people.map((person, index) => system.connectNew(person, { edge: 1 + (index % 2) })),
  );
  return { id, people, devices, admin };
}

/**
 * Sends a message and waits until all devices have it. By then they have all that was sent before.
 */
async function flush(sender: Client, id: string, devices: Client[]): Promise<void> {
  const { data } = await sender.post(id, 'flush');
  for (const device of devices) await device.next(({ seq }) => seq === data?.seq);
}

t.test('a change of title is answered, told to all, and written to the history', async (t) => {
  const { id, people, devices, admin } = await group(3);
  const changed = await callAs(admin, 'PATCH')(id, { title: 'Trek', description: 'To Mustang' });
  t.equal(changed.status, 200);
  t.match(changed.body, { title: 'Trek', name: 'Trek', version: 2, last_seq: 2, unread: 0 });
  for (const [index, device] of devices.entries()) {
    const event = await device.next(isChange('updated'));
    t.match(event, { q: Number, conversation: { title: 'Trek', version: 2, conversation_id: id } });
    t.match(await device.next(isSystem('title_changed')), {
      ...{ seq: 1, message_type: 'system', sender_id: admin.id, version: 1 },
      ...{ content: 'Unknown User changed the title to “Trek”', metadata: { value: 'Trek' } },
    });
    await device.next(isSystem('description_changed'));
    const read = await callAs(people[index] as Person, 'GET')(id);
    t.match(read.body, { title: 'Trek', description: 'To Mustang', version: 2 });
  }
  const history = await system.history(people[2] as Person, id);
  t.same(seqsOf(history), [1, 2]);
  t.ok(history.every((message) => !('client_msg_id' in message)));
});

t.test('an added participant is told first, and then gets all that follows', async (t) => {
  const { id, people, devices, admin } = await group(2);
  const [eve, fay] = await system.people(2);
  const [e, f] = [await system.connectNew(eve), await system.connectNew(fay, { edge: 2 })];
  const [a] = devices as [Client];
  await a.post(id, 'before');
  const added = await callAs(admin, 'POST')(`${id}/participants`, { user_ids: [eve.id] });
  t.equal(added.status, 200);
  t.equal(idsIn(added.body).size, 3);
  const body = { user_ids: [fay.id, eve.id], share_history: true };
  t.equal((await callAs(admin, 'POST')(`${id}/participants`, body)).status, 200);
  await flush(a, id, [...devices, e, f]);
  t.match(
    e.received.filter(({ q, type }) => q !== undefined && type !== 'replay_end'),
    [
      { change: 'created', conversation: { conversation_id: id, first_seq: 2, unread: 1 } },
      { seq: 2, metadata: { event: 'participant_added', user_id: eve.id } },
      { change: 'participants' },
      { seq: 3, metadata: { event: 'participant_added', user_id: fay.id } },
      { seq: 4, content: 'flush' },
    ],
  );
  t.match(await f.next(isChange('created')), { conversation: { first_seq: 1, unread: 1 } });
  t.match(await (devices[1] as Client).next(isChange('participants')), { q: Number });
  t.same(seqsOf(await system.history(eve, id)), [2, 3, 4]);
  t.same(seqsOf(await system.history(fay, id)), [1, 2, 3, 4]);
  const ninth = { user_ids: numbers(1, 5).map(() => newId()) };
  t.same(codeOf(await callAs(admin, 'POST')(`${id}/participants`, ninth)), [409, 'CONFLICT']);
  t.equal(idsIn((await callAs(people[1] as Person, 'GET')(id)).body).size, 4);
});

t.test('a removed participant gets one event on every device and nothing more', async (t) => {
  const { id, people, devices, admin } = await group(4);
  const [a, b, c, d] = devices as [Client, Client, Client, Client];
  const gone = people[3] as Person;
  const tablet = await system.connectNew(gone, { device: 'tablet', edge: 1 });
  let isOver = false;
  const refusals = new Set<unknown>();
  const writeUntilOver = async (client: Client): Promise<void> => {
    while (!isOver) {
      const { error } = await client.post(id, 'race');
      if (error !== undefined && error.code !== 'RATE_LIMITED') refusals.add(error.code);
    }
  };
  const writing = [a, b, c, d].map(writeUntilOver);
  await d.messages(20);
  const removed = await callAs(admin, 'DELETE')(`${id}/participants/${gone.id}`);
  t.equal(removed.status, 204);
  await a.messages(a.messageEvents.length + 10);
  isOver = true;
  await Promise.all(writing);
  t.same([...refusals], ['NOT_A_PARTICIPANT']);
  const history = await system.history(admin, id);
  const removal = history.find(isSystem('participant_removed')) as MessageEvent;
  t.ok(history.every(({ sender_id, seq }) => sender_id !== gone.id || seq < removal.seq));
  t.same(seqsOf(history), numbers(1, history.length));
  for (const device of [d, tablet]) {
    const event = await device.next(isChange('participants'));
    t.notOk(idsIn(event.conversation as object).has(gone.id));
    await device.settled();
    t.equal(device.received.filter(({ type }) => type === 'conversation').length, 1);
    t.equal(
      device.received.findLast(({ q }) => q !== undefined),
      event,
      'nothing comes after the removal',
    );
    t.ok(device.messageEvents.every(({ seq }) => seq < removal.seq));
  }
  for (const path of [id, `${id}/messages`]) {
    t.same(codeOf(await callAs(gone, 'GET')(path)), [403, 'NOT_A_PARTICIPANT']);
  }
});

t.test('a participant replaces a last admin who leaves; the last user may leave too', async (t) => {
  const { id, people, devices, admin } = await group(3);
  const [ann, bob, cat] = people as [Person, Person, Person];
  const [a, b, c] = devices as [Client, Client, Client];
  t.equal((await callAs(admin, 'DELETE')(`${id}/participants/${ann.id}`)).status, 204);
  const farewell = await a.next(isChange('participants'), SOONER_THAN_REPAIR_MS);
  t.match(farewell, { conversation: { version: 2 } });
  const left = await b.next(isSystem('participant_left'));
  t.match(left, { sender_id: ann.id, metadata: { user_id: ann.id } });
  const heir = (await b.next(isSystem('admin_changed'))).metadata as { user_id: string };
  await c.next(isSystem('admin_changed'));
  const [next, other] = heir.user_id === bob.id ? [bob, cat] : [cat, bob];
  const body = { title: 'Mine' };
  t.same(codeOf(await callAs(other, 'PATCH')(id, body)), [403, 'FORBIDDEN']);
  t.equal((await callAs(next, 'PATCH')(id, body)).status, 200);
  t.same(codeOf(await callAs(ann, 'PATCH')(id, body)), [403, 'NOT_A_PARTICIPANT']);
  for (const person of [other, next]) {
    const path = `${id}/participants/${person.id}`;
    t.equal((await callAs(person, 'DELETE')(path)).status, 204);
    t.same(codeOf(await callAs(person, 'DELETE')(path)), [403, 'NOT_A_PARTICIPANT']);
  }
  const listed = await system.rest('GET', API, { token: next.token });
  t.same(listed.body.conversations, []);
});

t.test('mute and archive show on all devices of the user and nowhere else', async (t) => {
  const [ann, bob] = await system.people(2);
  const id = await system.conversation([ann, bob]);
  const [a, b] = [await system.connectNew(ann), await system.connectNew(bob)];
  const tablet = await system.connectNew(ann, { device: 'tablet', edge: 2 });
  const until = new Date(Date.now() + 3_600_000).toISOString();
  t.equal((await callAs(ann, 'PUT')(`${id}/mute`)).status, 204, 'without a body');
  t.match((await callAs(ann, 'GET')(id)).body, { is_muted: true, muted_until: undefined });
  t.equal((await callAs(ann, 'PUT')(`${id}/mute`, { until })).status, 204);
  t.match((await callAs(ann, 'GET')(id)).body, { is_muted: true, muted_until: until });
  t.equal((await callAs(ann, 'DELETE')(`${id}/mute`)).status, 204);
  t.equal((await callAs(ann, 'DELETE')(id)).status, 204);
  const list = async (query: string) =>
    (await system.rest('GET', `${API}?${query}`, { token: ann.token })).body.conversations;
  t.match(await list('archived=true'), [{ conversation_id: id, archived_at: String }]);
  t.same(await list('archived=false'), []);
  for (const device of [a, tablet]) {
    for (const [is_muted, version] of [
      [true, 2],
      [true, 3],
      [false, 4],
    ]) {
      t.match(await device.next(isChange('updated')), { conversation: { is_muted, version } });
    }
    t.match(await device.next(isChange('archived')), { conversation: { archived_at: String } });
  }
  await flush(b, id, [a, b, tablet]);
  t.match(await list(''), [{ conversation_id: id, is_muted: false, archived_at: undefined }]);
  t.notOk(b.received.some(({ type }) => type === 'conversation'));
  t.match((await callAs(bob, 'GET')(id)).body, { is_muted: false });
});

t.test('each operation refuses callers without the right, and malformed bodies', async (t) => {
  const [ann, bob, cat, eve] = await system.people(4);
  const id = await system.conversation([ann, bob, cat]);
  const direct = await system.conversation([ann, bob]);
  await callAs(ann, 'DELETE')(`${id}/participants/${cat.id}`);
  await callAs(bob, 'PUT')(`${id}/mute`);
  await callAs(bob, 'DELETE')(id);
  const ofGroups: [string, string, unknown?][] = [
    ['PATCH', '', { title: 'x' }],
    ['POST', '/participants', { user_ids: [eve.id] }],
    ['DELETE', `/participants/${ann.id}`],
  ];
  const ofAll: [string, string, unknown?][] = [
    ['PUT', '/mute', {}],
    ['DELETE', '/mute'],
    ['DELETE', ''],
  ];
  const codes = async (person: Person, conversation: string, cases: typeof ofAll) =>
    await Promise.all(
      cases.map(async ([method, path, body]) =>
        codeOf(await callAs(person, method)(`${conversation}${path}`, body)).join(' '),
      ),
    );
  const times = (text: string) => [text, text, text];
  for (const stranger of [eve, cat]) {
    const refused = await codes(stranger, id, [...ofGroups, ...ofAll]);
    t.same(refused, [...times('403 NOT_A_PARTICIPANT'), ...times('403 NOT_A_PARTICIPANT')]);
  }
  await callAs(ann, 'PUT')(`${id}/mute`);
  await callAs(ann, 'DELETE')(id);
  const renamed = await callAs(ann, 'PATCH')(id, { title: 'Mine' });
  t.match([renamed.status, renamed.body.is_muted], [200, true], 'a muted admin may do so');
  t.same(await codes(ann, newId(), ofGroups), times('404 CONVERSATION_NOT_FOUND'));
  t.same(await codes(ann, newId(), ofAll), times('404 CONVERSATION_NOT_FOUND'));
  t.same(await codes(bob, id, ofGroups), times('403 FORBIDDEN'), 'no admin, muted and archived');
  t.same(await codes(ann, direct, ofGroups), times('403 FORBIDDEN'));
  const gone = await callAs(ann, 'DELETE')(`${id}/participants/${cat.id}`);
  t.same(codeOf(gone), [404, 'NOT_FOUND']);
  const malformed: [string, string, unknown][] = [
    ['PATCH', '', {}],
    ['PATCH', '', { title: '' }],
    ['PATCH', '', { title: 'x'.repeat(201) }],
    ['PATCH', '', { avatar_url: 'javascript:1' }],
    ['PATCH', '', { type: 'direct' }],
    ['POST', '/participants', {}],
    ['POST', '/participants', { user_ids: [] }],
    ['POST', '/participants', { user_ids: ['*'] }],
    ['PUT', '/mute', { until: 'tomorrow' }],
    ['PUT', '/mute', { until: '2020-01-01T00:00:00.000Z' }],
    ['PUT', '/mute', { until: '2099-02-31T25:00:00.000Z' }],
    ['DELETE', '/participants/x', undefined],
  ];
  for (const [method, path, body] of malformed) {
    const answer = await callAs(ann, method)(`${id}${path}`, body);
    t.same(codeOf(answer), [400, 'INVALID_REQUEST'], `${method} ${path} ${JSON.stringify(body)}`);
  }
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
