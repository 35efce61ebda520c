import t from 'tap';
import { until } from '../dev/testing/until.ts';
import { NOBODY, newId } from '../shared/ids.ts';
import { askAsService, makeBusiness } from './stage/business.ts';
import { BusinessConversation } from './stage/business-conversation.ts';
import { type Person, shareStack } from './stage/stack.ts';
import { placesWith } from './traces/places-with.ts';

const system = await shareStack(t);

const begin = async (person: Person): Promise<string> => {
  const { status, body } = await askAsService(system, `DELETE /users/${person.id}`);
  if (status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`);
  return String(body.job_id);
};
const untilDone = (job: string) =>
  until('the job is done', async () => {
    const { body } = await askAsService(system, `GET /jobs/${job}`);
    if (body.state === 'failed') throw new Error('the job has failed');
    return body.state === 'done' && body;
  });
const send = (person: Person, conversation: string, content: string) =>
  system.rest('POST', `/api/v1/conversations/${conversation}/messages`, {
    token: person.token,
    body: { client_msg_id: newId<string>(), content },
  });

t.test('a person is erased while they and others are there', async (t) => {
  const [ann, bob, cat, dan] = await system.people(4);
  const direct = await system.conversation([ann, bob]);
  const group = await system.conversation([ann, bob, cat]);
  const business = await makeBusiness(system, { managers: [dan], agents: [ann] });
  const talk = await BusinessConversation.open(system, cat, business);
  await talk.say(cat, 'help');
  await talk.assign(ann);
  await talk.say(ann, 'a secret of ann');
  const phone = await system.connectNew(ann, { device: 'phone' });
  const other = await system.connectNew(bob);
  // The event stays in the device queue of who is away.
  const away = await system.connectNew(cat, { isAcking: true });
  await away.close();
  for (const conversation of [direct, group]) await send(ann, conversation, 'a secret of ann');
  await phone.ask({ type: 'presence_watch', user_ids: [bob.id] });
  await other.ask({ type: 'presence_watch', user_ids: [ann.id] });
  const job = await begin(ann);
  t.equal((await phone.closed).code, 4503);
  const { token } = ann;
  t.equal((await system.rest('GET', '/api/v1/conversations', { token })).status, 401);
  t.match(await untilDone(job), { state: 'done' });
  await other.next('resync');
  const back = await system.connect(cat);
  const opened = back.received.find(({ type }) => type === 'auth_ok');
  t.equal(opened?.resumed, false, 'the queue of who was away is void');
  for (const conversation of [direct, group, talk.id]) {
    const reader = conversation === talk.id ? dan : bob;
    const shown = await system.history(reader, conversation);
    t.ok(shown.some(({ sender_id }) => sender_id === NOBODY));
    t.notOk(JSON.stringify(shown).includes('secret'));
    t.notOk(JSON.stringify(shown).includes(ann.id));
  }
  const path = `/api/v1/conversations/${direct}`;
  const named = await system.rest('GET', path, { token: bob.token });
  t.equal(named.body.name, 'Deleted User');
  t.match((await system.history(bob, group)).at(-2), { content: 'Deleted User left' });
  t.match(await talk.get(dan), { body: { state: 'waiting' } });
  await until('nothing is left of the id', async () => {
    return (await placesWith(system, ann.id)).length === 0;
  });
  t.equal((await send(bob, direct, 'still here')).status, 201);
  const again = await system.rest('POST', '/api/v1/conversations', {
    token: bob.token,
    body: { type: 'direct', participant_ids: [ann.id] },
  });
  t.equal(again.body.error?.code, 'CONFLICT');
});

t.test('only services erase, and what is no person or job is refused', async (t) => {
  const [ann] = await system.people(1);
  const { token } = ann;
  const refused = await system.rest('DELETE', `/api/v1/users/${ann.id}`, { token });
  t.equal(refused.body.error?.code, 'FORBIDDEN');
  const look = await system.rest('GET', `/api/v1/jobs/${newId()}`, { token });
  t.equal(look.body.error?.code, 'FORBIDDEN');
  const codes: [string, number, string][] = [
    [`DELETE /users/${NOBODY}`, 400, 'INVALID_REQUEST'],
    ['DELETE /users/x', 400, 'INVALID_REQUEST'],
    ['GET /jobs/x', 400, 'INVALID_REQUEST'],
    [`GET /jobs/${newId()}`, 404, 'NOT_FOUND'],
    [`GET /users/${ann.id}`, 405, 'INVALID_REQUEST'],
    [`DELETE /jobs/${newId()}`, 405, 'INVALID_REQUEST'],
  ];
  for (const [what, status, code] of codes) {
    const answer = await askAsService(system, what);
    t.match([answer.status, answer.body.error?.code], [status, code], what);
  }
  t.equal((await system.rest('GET', '/api/v1/conversations', { token })).status, 200);
});

t.test('an erasure that is asked for twice is one job', async (t) => {
  const [ann, bob] = await system.people(2);
  await system.conversation([ann, bob]);
  const jobs = await Promise.all([begin(ann), begin(ann)]);
  t.match(await untilDone(jobs[0] as string), { state: 'done' });
  t.match(await untilDone(jobs[1] as string), { state: 'done' });
  t.match(await untilDone(await begin(ann)), { state: 'done' }, 'and one that is done is repeated');
});

t.test('what a conversation has said is erased while people are there', async (t) => {
  const [ann, bob, cat] = await system.people(3);
  const group = await system.conversation([ann, bob, cat]);
  const path = `/api/v1/conversations/${group}`;
  const title = `a title of ${ann.id}`;
  await system.rest('PATCH', path, { token: ann.token, body: { title } });
  const other = await system.connectNew(bob);
  // The event stays in the device queue of who is away.
  const away = await system.connectNew(cat, { isAcking: true });
  await away.close();
  await send(ann, group, 'a secret');
  const erased = await askAsService(system, `DELETE /conversations/${group}/content`);
  t.equal(erased.status, 202);
  t.match(await untilDone(String(erased.body.job_id)), { state: 'done' });
  await other.next('resync');
  const back = await system.connect(cat);
  const opened = back.received.find(({ type }) => type === 'auth_ok');
  t.equal(opened?.resumed, false, 'the queue of who was away is void');
  for (const person of [ann, bob, cat]) {
    t.same(await system.history(person, group), []);
    const { body } = await system.rest('GET', path, { token: person.token });
    t.equal(body.unread, 0);
    t.equal(body.first_seq, Number(body.last_seq) + 1);
    t.notOk('last_message' in body || 'title' in body);
  }
  t.same(await placesWith(system, title), []);
  t.equal((await send(ann, group, 'and it goes on')).status, 201);
  await back.next((frame) => frame.type === 'message' && frame.content === 'and it goes on');
});

t.test('only services erase what was said, and of conversations that exist', async (t) => {
  const [ann, bob] = await system.people(2);
  const direct = await system.conversation([ann, bob]);
  await send(ann, direct, 'to be kept');
  const path = `/api/v1/conversations/${direct}/content`;
  const refused = await system.rest('DELETE', path, { token: ann.token });
  t.match([refused.status, refused.body.error?.code], [403, 'FORBIDDEN']);
  t.equal((await system.rest('DELETE', path, {})).status, 401);
  const codes: [string, number, string][] = [
    [`DELETE /conversations/${newId()}/content`, 404, 'CONVERSATION_NOT_FOUND'],
    ['DELETE /conversations/x/content', 400, 'INVALID_REQUEST'],
    [`GET /conversations/${direct}/content`, 405, 'INVALID_REQUEST'],
  ];
  for (const [what, status, code] of codes) {
    const answer = await askAsService(system, what);
    t.match([answer.status, answer.body.error?.code], [status, code], what);
  }
  t.match(await system.history(bob, direct), [{ content: 'to be kept' }]);
});
