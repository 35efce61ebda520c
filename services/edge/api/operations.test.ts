import t from 'tap';
import { OPERATIONS } from './operations.ts';

const repeats = (names: string[]): string[] => names.filter((name, at) => names.indexOf(name) < at);

t.test('each operation has a door, and no two operations share one', async (t) => {
  const frames = OPERATIONS.flatMap(({ frame }) => (frame === undefined ? [] : [frame.type]));
  const calls = OPERATIONS.flatMap(({ rest }) => rest.map(({ method, path }) => method + path));
  t.same(repeats(frames), []);
  t.same(repeats(calls), []);
  const isClosed = OPERATIONS.map(({ frame, rest }) => frame === undefined && rest.length === 0);
  t.notOk(isClosed.includes(true));
});

t.test('an operation for sockets alone has no REST door', async (t) => {
  const forSockets = OPERATIONS.filter(({ by }) => by === 'socket' || by === 'session');
  t.ok(forSockets.length > 0);
  for (const { rest, summary } of forSockets) t.equal(rest.length, 0, summary);
});

t.test('a service has no socket, so an operation for it has no frame', async (t) => {
  const forServices = OPERATIONS.filter(({ by }) => by.endsWith('service'));
  t.ok(forServices.length > 0);
  for (const { frame, summary } of forServices) t.equal(frame, undefined, summary);
});

t.test('an operation without an answer sends an event, or its door says `never`', async (t) => {
  for (const { answer, frame } of OPERATIONS) {
    if (answer !== null || frame === undefined) continue;
    t.ok(frame.event !== undefined || frame.answered === 'never', frame.type);
  }
});

t.test('a request refuses unknown fields', async (t) => {
  for (const { request, summary } of OPERATIONS)
    t.match(request, { additionalProperties: false }, summary);
});

t.test('no request has a field named `type` or `id`, which are fields of its frame', async (t) => {
  for (const { frame, request } of OPERATIONS) {
    if (frame === undefined) continue;
    t.notOk('type' in request.properties || 'id' in request.properties, frame.type);
  }
});
