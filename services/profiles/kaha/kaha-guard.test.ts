import { type AddressInfo, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { newId } from '../../../shared/ids.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { refOf } from '../profile.ts';
import { createProfilesMetrics } from '../profiles-metrics.ts';
import { createKahaClient } from './kaha-client.ts';
import { guardKaha } from './kaha-guard.ts';

const NAME = 'Canary Name';
const FAILURES_UNTIL_OPEN = 4;
const HANGS = undefined;

/**
 * The scene is a guard before a server that answers each call with these bytes, or never. `lines`
 * are what the guard logs, and `asked` are the bodies of the calls.
 */
async function setScene(t: Test, first: string | undefined) {
  let answer = first;
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      asked.push(bytes.toString());
      if (answer !== undefined) socket.end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createKahaClient({ url, serviceToken: 'x', connectionsMax: 8 });
  const lines: string[] = [];
  const naming = { service: 'profiles', instance: 'profiles', level: 'debug', hashKey: 'test' };
  const logger = createLogger(naming, { write: (line) => void lines.push(line) });
  const metrics = createProfilesMetrics(createMetrics('profiles', 'profiles'));
  const guard = guardKaha({ client, random: Math.random, metrics, logger });
  t.teardown(async () => {
    guard.close();
    await client.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const outcomes = async () => {
    const { values } = await metrics.calls.get();
    return Object.fromEntries(values.map(({ labels, value }) => [labels.outcome, value]));
  };
  return {
    ...{ lines, guard, asked, outcomes },
    ask: (count = 1) =>
      guard.fetch(Array.from({ length: count }, () => refOf('user', newId<string>()))),
    answerWith(next: string) {
      answer = next;
    },
  };
}

const bodyOf = (body: string): string =>
  `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`;
const statusOf = (status: number): string =>
  `HTTP/1.1 ${status} ${NAME}\r\ncontent-length: ${NAME.length}\r\n\r\n${NAME}`;
const NOBODY = bodyOf('{"users":[],"businesses":[]}');

const BAD = {
  'no HTTP': `${NAME} \r\n\r\n`,
  'a header that is none': `HTTP/1.1 200 OK\r\nx: y\x01${NAME}\r\n\r\n`,
  'a chunk without a size': `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz${NAME}\r\n`,
  'a body that is cut off': `HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n${NAME}`,
  'no JSON': bodyOf(NAME),
  'a refusal': statusOf(500),
};

for (const [what, answer] of Object.entries(BAD)) {
  t.test(`${what} is warned of at once, and no log line holds a part of the answer`, async (t) => {
    const { lines, guard, ask } = await setScene(t, answer);
    await t.rejects(ask());
    t.match(lines[0], /"level":"warn".*"faults":\{"call [a-z_]+":1\}.*answered badly/);
    for (let tries = 2; tries < FAILURES_UNTIL_OPEN; tries += 2) await t.rejects(ask());
    t.equal(guard.circuitState, 2);
    t.match(lines[1], /the circuit is open/);
    t.equal(lines.length, 2, 'the bad answer and the open circuit have a line each');
    t.notOk(lines.join('').includes('Canary'));
  });
}

const OUTCOMES: Record<string, [answer: string, tries: number]> = {
  ok: [NOBODY, 1],
  unauthenticated: [statusOf(401), 1],
  rate_limited: [statusOf(429), 2],
  server_error: [statusOf(503), 2],
  refused: [statusOf(404), 1],
  too_large: [bodyOf('x'.repeat(1024 * 1024 + 1)), 1],
  malformed: [bodyOf('[]'), 2],
  failed: ['', 2],
};

for (const [outcome, [answer, tries]] of Object.entries(OUTCOMES)) {
  t.test(`the metric of calls has the outcome ${outcome}, and no other`, async (t) => {
    const { ask, outcomes } = await setScene(t, answer);
    await ask().catch((error: unknown) => error);
    t.same(await outcomes(), { [outcome]: tries });
  });
}

t.test('a person whom kaha-main-v3 does not know is nothing to warn of', async (t) => {
  const { lines, ask } = await setScene(t, NOBODY);
  t.equal((await ask()).size, 0);
  t.same(lines, []);
});

t.test('a wrong service token is an error at its first answer, and once an outage', async (t) => {
  const { lines, guard, ask, answerWith } = await setScene(t, statusOf(401));
  const errors = () => lines.filter((line) => line.includes('"level":"error"'));
  await t.rejects(ask());
  t.match(errors(), [/KAHA_SERVICE_TOKEN/]);
  for (let tries = 1; tries < 8; tries += 1) await t.rejects(ask());
  t.equal(errors().length, 1);
  answerWith(NOBODY);
  await until('the circuit is closed', () => guard.circuitState === 0);
  answerWith(statusOf(403));
  await t.rejects(ask());
  t.equal(errors().length, 2, 'the next outage is told');
});

t.test('an open circuit closes by itself, with a probe of one id, while nobody asks', async (t) => {
  const { guard, ask, asked, answerWith } = await setScene(t, statusOf(500));
  for (let tries = 0; tries < FAILURES_UNTIL_OPEN; tries += 2) await t.rejects(ask(3));
  await t.rejects(ask(3), /circuit breaker is open/);
  t.notOk(guard.isAnswering);
  const before = asked.length;
  t.equal(before, FAILURES_UNTIL_OPEN);
  answerWith(NOBODY);
  await until('the circuit is closed', () => guard.isAnswering);
  t.equal(asked.length, before + 1);
  t.equal(asked.at(-1)?.match(/[0-9a-f-]{36}/g)?.length, 1);
});

t.test('a server that hangs is not waited for after one try, nor asked after two', async (t) => {
  const { guard, ask, asked, outcomes } = await setScene(t, HANGS);
  const asking = ask();
  await until('a try has timed out', () => !guard.isAnswering);
  t.equal(guard.circuitState, 0);
  await t.rejects(asking);
  t.equal(guard.circuitState, 2);
  t.equal(asked.length, 2);
  t.same(await outcomes(), { timeout: 2 });
});
