import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { programArgs } from '../../../dev/processes/program.ts';
import { connectRaw } from '../stage/raw-client.ts';

const LATE = 200;

t.test('late upgrades make open sockets, and the library warns of none', async (t) => {
  const args = programArgs('services/edge/stage/late-server-main.ts');
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => server.kill('SIGKILL'));
  let said = '';
  server.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const [port] = (await once(server.stdout, 'data')) as [Buffer];
  const first = await connectRaw(Number(port));
  const late = await Promise.all(Array.from({ length: LATE }, () => connectRaw(Number(port))));
  const texts = await Promise.all([first, ...late].map((client) => client.text()));
  t.ok(texts.every((text) => text === 'opened'));
  server.kill('SIGTERM');
  await once(server, 'close');
  t.equal(said, '');
});
