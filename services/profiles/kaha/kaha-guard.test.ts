import { type AddressInfo, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { newId } from '../../../shared/ids.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { refOf } from '../profile.ts';
import { createProfilesMetrics } from '../profiles-metrics.ts';
import { createKahaClient } from './kaha-client.ts';
import { guardKaha } from './kaha-guard.ts';

const NAME = 'Canary Name';
const FAILURES_UNTIL_OPEN = 4;

/**
 * The scene is a guard before a server that answers each call with these bytes. `lines` are what
 * the guard logs.
 */
async function setScene(t: Test, answer: string) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', () => socket.end(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createKahaClient({ url, serviceToken: 'x', connectionsMax: 8 });
  t.teardown(async () => {
    await client.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const lines: string[] = [];
  const naming = { service: 'profiles', instance: 'profiles', level: 'debug', hashKey: 'test' };
  const logger = createLogger(naming, { write: (line) => void lines.push(line) });
  const metrics = createProfilesMetrics(createMetrics('profiles', 'profiles'));
  const guard = guardKaha({ client, metrics, logger });
  return { lines, guard, ask: () => guard.fetch([refOf('user', newId<string>())]) };
}

const bodyOf = (body: string): string =>
  `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`;

const BAD = {
  'no HTTP': `${NAME} \r\n\r\n`,
  'a header that is none': `HTTP/1.1 200 OK\r\nx: y\x01${NAME}\r\n\r\n`,
  'a chunk without a size': `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz${NAME}\r\n`,
  'a body that is cut off': `HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n${NAME}`,
  'no JSON': bodyOf(NAME),
  'a refusal': `HTTP/1.1 500 ${NAME}\r\ncontent-length: ${NAME.length}\r\n\r\n${NAME}`,
};

for (const [what, answer] of Object.entries(BAD)) {
  t.test(`${what} is warned of at once, and no log line holds a part of the answer`, async (t) => {
    const { lines, guard, ask } = await setScene(t, answer);
    await t.rejects(ask());
    t.match(lines[0], /"level":"warn".*"faults":\{"call [a-z]+":1\}.*answered badly/);
    for (let tries = 2; tries < FAILURES_UNTIL_OPEN; tries += 2) await t.rejects(ask());
    t.equal(guard.circuitState, 2);
    t.match(lines[1], /the circuit is open/);
    t.equal(lines.length, 2, 'the bad answer and the open circuit have a line each');
    t.notOk(lines.join('').includes('Canary'));
  });
}
