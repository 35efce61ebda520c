import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { isAlive } from './processes/child.ts';
import { wipeComposeServers } from './servers/compose-servers.ts';
import { wipePostgres } from './servers/postgres-server.ts';
import { wipeJetStreamFolder } from './servers/tmpfs.ts';
import { stopAll } from './stack/stack.ts';
import { readLaunchFile, removeStackFile } from './stack/stack-file.ts';

const HELP = `Stops the stack that "npm run up" started.

  npm run down [-- --wipe]

  --wipe  also removes its data: messages, queues, keys
`;

const RUN_DIR = '.run';
const DATA_DIR = '.data';
const POLL_MS = 50;

try {
  await down();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}

async function down(): Promise<void> {
  const { values } = parseArgs({
    options: {
      wipe: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const record = readLaunchFile(RUN_DIR);
  if (record === undefined) {
    removeStackFile(RUN_DIR);
    process.stdout.write('No stack runs here.\n');
  } else {
    const { starter } = record;
    // A process that still starts the stack would start more services, so it is ended first. It
    // cleans up by itself.
    if (record.urls === undefined && isAlive(starter)) process.kill(starter.pid, 'SIGTERM');
    while (record.urls === undefined && isAlive(starter)) await delay(POLL_MS);
    await stopAll(record, RUN_DIR);
    process.stdout.write('Stopped.\n');
  }
  if (values.wipe) wipe();
}

function wipe(): void {
  wipeComposeServers();
  wipePostgres(DATA_DIR);
  wipeJetStreamFolder(DATA_DIR);
  rmSync(DATA_DIR, { recursive: true, force: true });
  rmSync(RUN_DIR, { recursive: true, force: true });
  process.stdout.write('Data removed.\n');
}
