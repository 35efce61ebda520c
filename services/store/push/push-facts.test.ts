import t from 'tap';
import type { PushFacts } from '../../../shared/contracts/pushes/push-facts.ts';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import type { PushRegistration } from '../../../shared/protocol/devices/device-requests.ts';
import {
  append,
  appendOk,
  createGroup,
  createTalk,
  letter,
  setStage,
} from '../stage/store-stage.ts';

const { store, sql } = await setStage(t);
const { operations } = store;

async function register(user_id: UserId, more: Partial<PushRegistration> = {}): Promise<string> {
  const token = `fcm:${newId<string>()}`;
  const registration = { provider: 'fcm', token, ...more } as PushRegistration;
  const device = { user_id, device_id: 'phone', issued_at: Date.now() };
  await operations['push.register']({ ...device, registration }, 0);
  return token;
}

async function factsOf(
  user_id: UserId,
  conversation_id: ConversationId,
  seqs: number[],
): Promise<PushFacts | null | undefined> {
  const questions = [{ user_id, conversation_id, seqs }];
  return (await operations['push.facts']({ questions }, 0)).facts[0];
}

t.test('facts have devices, texts of the newest, positions and the badge', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  const quiet_hours = { time_zone: 'Asia/Kathmandu', from: '22:00', to: '07:00' };
  const token = await register(bina, { content: 'full', quiet_hours });
  const sent = await appendOk(
    store,
    id,
    ['one', 'two', 'three'].map((text) => letter(alice, text)),
  );
  const facts = await factsOf(bina, id, [1, 2, 3]);
  t.match(facts, {
    devices: [{ device_id: 'phone', content: 'full', quiet_hours, address: { token } }],
    ...{ read_seq: 0, is_muted: false, badge: 1 },
    conversation: { type: 'direct', others: [alice] },
  });
  const texts = facts?.messages.map(({ seq, content }) => [seq, content]);
  t.same(texts?.sort(), [
    [1, undefined],
    [2, 'two'],
    [3, 'three'],
  ]);
  t.equal(facts?.messages.find(({ seq }) => seq === 3)?.message_id, sent[2]?.message_id);
  t.notMatch(JSON.stringify(await sql('select * from push_registrations')), token);
});

t.test('who has no device, or takes no part, has no facts', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  await appendOk(store, id, [letter(alice)]);
  t.equal(await factsOf(bina, id, [1]), null);
  const eve = newId<UserId>();
  await register(eve);
  t.equal(await factsOf(eve, id, [1]), null);
});

t.test('a message that was deleted or cannot be seen is left out', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  await register(bina);
  const [gone] = await appendOk(store, id, [letter(alice), letter(alice)]);
  const named = { user_id: alice, message_id: gone?.message_id as never };
  const place = await operations['messages.locate'](named, 0);
  await operations['messages.delete']({ ...named, place }, 0);
  const seqsNow = async () => (await factsOf(bina, id, [1, 2]))?.messages.map(({ seq }) => seq);
  t.same(await seqsNow(), [2]);
  await sql('update participants set first_visible_seq = 3 where user_id = $1', [bina]);
  t.same(await seqsNow(), []);
});

t.test('a mute ends at its instant, and muted conversations have no badge', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  await register(bina);
  await appendOk(store, id, [letter(alice)]);
  const muted = async (until: string) => {
    const set = `is_muted = true, muted_until = ${until}`;
    await sql(`update participants set ${set} where user_id = $1`, [bina]);
    const { is_muted, badge } = (await factsOf(bina, id, [1])) as PushFacts;
    return [is_muted, badge];
  };
  t.same(await muted('null'), [true, 0]);
  t.same(await muted(`now() + interval '1 minute'`), [true, 0]);
  t.same(await muted(`clock_timestamp() - interval '1 millisecond'`), [false, 1]);
  await sql('update participants set read_seq = 1 where user_id = $1', [bina]);
  t.same(await muted(`now() - interval '1 minute'`), [false, 0], 'nor has what was read');
});

t.test('a long text is cut, and no surrogate pair with it', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  await register(bina);
  await appendOk(store, id, [letter(alice, `a${'😀'.repeat(4_000)}`)]);
  const [message] = (await factsOf(bina, id, [1]))?.messages ?? [];
  t.equal(message?.content, `a${'😀'.repeat(849)}`);
});

t.test('an answer leaves out what is too much, and nobody asks for more', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  await register(bina);
  await appendOk(store, id, [letter(alice)]);
  const question = { user_id: bina, conversation_id: id, seqs: [1] };
  const questions = Array.from({ length: 33 }, () => question);
  const asked = operations['push.facts']({ questions }, 0);
  await t.rejects(asked, { code: 'INVALID_REQUEST' });
  const seqs = Array.from({ length: 601 }, (_, n) => n);
  await t.rejects(factsOf(bina, id, seqs), { code: 'INVALID_REQUEST' });
  const user_ids = Array.from({ length: 101 }, () => bina);
  await t.rejects(operations['push.badges']({ user_ids }, 0), { code: 'INVALID_REQUEST' });
});

t.test('who is added is told by the system message, and nobody else by it', async (t) => {
  const [ann, bob, eve] = [newId<UserId>(), newId<UserId>(), newId<UserId>()];
  const id = await createGroup(store, [ann, bob]);
  await Promise.all([bob, eve].map((user) => register(user)));
  const about = { user_id: ann, conversation_id: id, user_ids: [eve] };
  await operations['conversations.change']({ op: 'conversations.add', ...about }, 0);
  const concern = async (user: UserId) =>
    (await factsOf(user, id, [1]))?.messages[0]?.concerns_user;
  t.equal(await concern(eve), 'added');
  t.equal(await concern(bob), undefined);
});

t.test('only the registration that a provider spoke of is forgotten or corrected', async (t) => {
  const { id, alice, bina } = await createTalk(store);
  const registration = { provider: 'apns' as const, token: 'ab'.repeat(32), topic: 'app.example' };
  const apns = { ...registration, environment: 'production' as const };
  const device = { user_id: bina, device_id: 'phone' };
  await operations['push.register']({ ...device, issued_at: Date.now(), registration: apns }, 0);
  await append(store, id, [letter(alice)]);
  const devicesNow = async () => (await factsOf(bina, id, [1]))?.devices ?? [];
  const [{ registered_at }] = (await devicesNow()) as [PushFacts['devices'][number]];
  const before = new Date(Date.parse(registered_at) - 1).toISOString();
  const settle = (at: string, outcome: 'gone' | { environment: 'sandbox' }) =>
    operations['push.settle']({ ...device, registered_at: at, outcome }, 0);
  await settle(before, 'gone');
  await settle(before, { environment: 'sandbox' });
  t.match(await devicesNow(), [{ address: { environment: 'production' } }]);
  await settle(registered_at, { environment: 'sandbox' });
  t.match(await devicesNow(), [{ address: { ...registration, environment: 'sandbox' } }]);
  t.match(await operations['push.badges']({ user_ids: [bina, alice] }, 0), {
    users: [{ user_id: bina, badge: 1, devices: [{ device_id: 'phone' }] }],
  });
  await settle(registered_at, 'gone');
  t.equal(await factsOf(bina, id, [1]), null);
});
