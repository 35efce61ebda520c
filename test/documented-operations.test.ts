import t from 'tap';
import type { Answer, Frame } from './stage/client.ts';
import { CALLS, FRAMES, setScene } from './stage/documented-calls.ts';
import { DocumentedShapes } from './stage/official-schemas.ts';
import { shareStack } from './stage/stack.ts';

type Json = Record<string, unknown>;
type Responses = Record<string, Json>;
type Operation = {
  action: 'receive' | 'send';
  reply?: { messages: { $ref: string }[] };
};

const system = await shareStack(t);
const openApi = (await system.rest('GET', '/openapi.json')).body as Json;
const asyncApi = (await system.rest('GET', '/asyncapi.json')).body as Json;
const answers = new DocumentedShapes(openApi);
const frames = new DocumentedShapes(asyncApi);

const received: Frame[] = [];
const onFrame = (frame: Frame): number => received.push(frame);

const escaped = (part: string): string => part.replaceAll('~', '~0').replaceAll('/', '~1');
const operations = Object.entries(openApi.paths as Record<string, Json>).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([method]) => method !== 'servers')
    .map(([method, operation]) => {
      const name = `${method.toUpperCase()} ${path}`;
      const base = item.servers === undefined ? '/api/v1' : '';
      const { responses, security } = operation as { responses: Responses; security?: object[] };
      const isForServices = security?.every((scheme) => 'service' in scheme) === true;
      return { method, path, name, base, responses, isForServices };
    }),
);

t.test('each documented call is answered as documented', async (t) => {
  for (const { method, path, name, base, responses, isForServices } of operations) {
    const sample = CALLS[name];
    if (sample === undefined) {
      t.fail(`${name} has no sample`);
      continue;
    }
    const scene = await setScene(system);
    const { params = {}, query = '', body } = await sample(scene, system);
    const filled = path.replace(/\{(\w+)\}/g, (_, param: string) => params[param] ?? '');
    const answer = await system.rest(method.toUpperCase(), `${base}${filled}?${query}`, {
      token: isForServices ? system.stack.serviceToken : scene.ann.token,
      ...(body !== undefined && { body }),
    });
    const { status } = answer;
    const isGood = status < 300 && responses[String(status)] !== undefined;
    t.ok(isGood, `${name}: ${status} ${JSON.stringify(answer.body)}`);
    if (status === 204 || base === '') continue;
    const pointer = ['paths', path, method, 'responses', String(status), 'content'];
    const at = [...pointer, 'application/json', 'schema'].map(escaped).join('/');
    t.same(answers.problems(`/${at}`, answer.body), [], name);
  }
});

t.test('each documented error has the documented shape', async (t) => {
  const { token } = await system.person();
  const calls: [string, string, object][] = [
    ['GET', '/api/v1/conversations', {}],
    ['GET', '/api/v1/conversations/x', { token }],
    ['GET', '/api/v1/nothing', { token }],
    ['PUT', '/api/v1/conversations', { token, body: {} }],
  ];
  for (const [method, path, call] of calls) {
    const { status, body } = await system.rest(method, path, call);
    t.ok(status >= 400, path);
    const pointer = '/components/responses/400/content/application~1json/schema';
    t.same(answers.problems(pointer, body), [], path);
  }
});

t.test('each documented frame is answered as documented', async (t) => {
  const documented = Object.entries(asyncApi.operations as Record<string, Operation>);
  for (const [type, { action, reply }] of documented) {
    if (action !== 'receive') continue;
    const sample = FRAMES[type];
    if (sample === undefined) {
      t.fail(`${type} has no sample`);
      continue;
    }
    const scene = await setScene(system);
    const client = await system.connectNew(scene.ann, { onFrame });
    const frame = { type, ...sample(scene) };
    const names = (reply?.messages ?? []).map(({ $ref }) => $ref.slice($ref.lastIndexOf('/') + 1));
    if (names.join() === 'error') {
      client.send({ ...frame, id: 'none' });
      await client.settled();
      t.notOk(
        client.received.some(({ id }) => id === 'none'),
        `${type} is not answered`,
      );
      continue;
    }
    const answer: Answer = await client.ask(frame);
    const name = names.find((one) => one !== 'error') ?? '';
    t.same(frames.problems(`/components/messages/${name}/payload`, answer), [], type);
  }
});

t.test('every frame that came over the sockets is documented, field by field', async (t) => {
  const { ann, bob, conversation, message, waiting, business } = await setScene(system);
  const client = await system.connectNew(ann, { onFrame });
  const other = await system.connectNew(bob, { onFrame });
  await client.ask({ type: 'inbox_watch', business_id: business });
  await client.ask({ type: 'assign', conversation_id: waiting, agent_id: bob.id });
  await client.next((frame) => frame.type === 'inbox' && frame.conversation !== undefined);
  await client.next((frame) => frame.type === 'inbox' && frame.counts !== undefined);
  await other.next((frame) => frame.type === 'conversation' && frame.change === 'assigned');
  await other.ask({ type: 'release', conversation_id: waiting });
  await other.next((frame) => frame.type === 'conversation' && frame.change === 'assigned');
  await client.ask({ type: 'react', message_id: message, emoji: '👍' });
  await other.ask({ type: 'read', conversation_id: conversation, message_id: message });
  await other.next('unread');
  await client.next('receipt');
  await client.post(conversation, 'more');
  await other.next((frame) => frame.type === 'message' && frame.content === 'more');
  await client.ask({
    type: 'create_conversation',
    conversation: { type: 'group', participant_ids: [bob.id] },
  });
  await other.next('conversation');
  await client.ask({ type: 'unheard of' });
  const types = new Set(received.map(({ type }) => type));
  const expected = ['auth_ok', 'replay_end', 'message', 'message_updated', 'conversation'];
  for (const type of [...expected, 'receipt', 'unread', 'inbox', 'error'])
    t.ok(types.has(type), type);
  for (const frame of received) {
    if (frame.type === 'reply') continue;
    const problems = frames.problems(`/components/messages/${frame.type}/payload`, frame);
    if (problems.length > 0) t.same(problems, [], JSON.stringify(frame));
  }
});
