import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ownIdentity, type RunningProcess } from '../processes/child.ts';
import {
  type LaunchRecord,
  readLaunchFile,
  readStackFile,
  removeStackFile,
  replaceProcess,
  writeStackFile,
} from './stack-file.ts';

const SECRET = 'seed of edge-1';
const urls = { edges: ['http://e'], nats: 'n', database: 'd', redis: 'r', kaha: 'k' };
const dead = { pid: 2 ** 22 + 1, startedAt: '1' };

function processOf(name: string, identity = ownIdentity()): RunningProcess {
  return {
    ...{ name, service: 'edge', command: 'node', args: [], env: { SEED: SECRET } },
    ...{ port: 8080, admin_port: 9464, log: `.run/${name}.log`, ready: { port: 8080 } },
    ...identity,
  };
}

function recordOf(...processes: RunningProcess[]): LaunchRecord {
  return { processes, composed: [], urls, starter: dead };
}

function setRunDir(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'kaha-run-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  return dir;
}

t.test('everybody may read what runs, but not the secrets of its start', async (t) => {
  const dir = setRunDir(t);
  writeStackFile(dir, recordOf(processOf('edge-1')));
  const text = readFileSync(join(dir, 'stack.json'), 'utf8');
  const { pid } = ownIdentity();
  t.strictSame(JSON.parse(text), {
    processes: [
      {
        ...{ name: 'edge-1', service: 'edge', pid, port: 8080, admin_port: 9464 },
        log: '.run/edge-1.log',
      },
    ],
    urls,
  });
  t.notMatch(text, SECRET);
  t.equal(statSync(join(dir, 'launch.json')).mode & 0o777, 0o600);
});

t.test('a stack of which no process is alive does not count', async (t) => {
  const dir = setRunDir(t);
  writeStackFile(dir, recordOf(processOf('edge-1', dead)));
  t.equal(readLaunchFile(dir), undefined);
  t.throws(() => readStackFile(dir), /No stack runs here/);
});

t.test('a stack that is starting is known but not ready', async (t) => {
  const dir = setRunDir(t);
  writeStackFile(dir, { processes: [], composed: [], starter: ownIdentity() });
  t.ok(readLaunchFile(dir));
  t.throws(() => readStackFile(dir), /not finished starting/);
  t.throws(() => readFileSync(join(dir, 'stack.json')), { code: 'ENOENT' });
});

t.test('a process that is started again takes its old place among the others', async (t) => {
  const dir = setRunDir(t);
  writeStackFile(dir, recordOf(processOf('edge-1', dead), processOf('edge-2')));
  replaceProcess(dir, processOf('edge-1'));
  const { processes } = readStackFile(dir);
  t.match(processes, [{ name: 'edge-1', pid: process.pid }, { name: 'edge-2' }]);
});

t.test('removing the stack file leaves the logs', async (t) => {
  const dir = setRunDir(t);
  writeStackFile(dir, recordOf(processOf('edge-1')));
  writeFileSync(join(dir, 'edge-1.log'), '');
  removeStackFile(dir);
  t.equal(readLaunchFile(dir), undefined);
  t.ok(statSync(join(dir, 'edge-1.log')));
});
