import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Report } from '../bench/report/report.ts';
import { programArgs } from '../dev/processes/program.ts';
import { isSoak } from '../dev/testing/test-servers.ts';
import { setStack } from './stage/stack.ts';

/**
 * Three edges have hardly more room than the devices of four need, so some devices come to a full
 * edge and have to go on to another one.
 */
const [DEVICES, ROOM] = isSoak ? [5_000, 1_700] : [480, 166];

const system = await setStack(t, {
  ...{ edges: 4, routers: 1, stores: 1 },
  env: { edge: { MAX_CONNECTIONS: String(ROOM) } },
});
const dir = mkdtempSync(join(tmpdir(), 'kaha-edge-killed-'));
t.teardown(() => rmSync(dir, { recursive: true }));

t.test('all devices of a killed edge are on the other edges 15 s later', async (t) => {
  const json = join(dir, 'report.json');
  const child = spawn(
    process.execPath,
    [
      ...programArgs('bench/main.ts'),
      ...['--stack', system.places.stackFile, '--json', json],
      ...['--connections', `${DEVICES}`, '--connect-rate', '300', '--rate', '40'],
      ...['--warmup', '0', '--duration', '4', '--settle', '20'],
      ...['--reconnect-kill', 'edge-1', '--reconnect-window', '1', '--back-within', '15'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const status = await new Promise((resolve) => child.once('close', resolve));
  t.equal(status, 0, output);
  const { connections, messages, recovery } = JSON.parse(readFileSync(json, 'utf8')) as Report;
  t.match(connections, { wanted: DEVICES, ready: DEVICES, refused: 0 });
  // Edge-1 may have sent some of its quarter to the others while all of them connected.
  t.ok((recovery?.lost ?? 0) >= DEVICES / 8, `${recovery?.lost} connections were lost`);
  t.comment(`back in ${recovery?.backMs} ms; ${JSON.stringify(connections.endings)}`);
  t.match(messages, { missing: 0, unanswered: 0 });
});
