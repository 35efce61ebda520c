import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { wipePostgres } from './postgres-server.ts';
import { stopAll } from './stack.ts';
import { readStackFile, removeStackFile } from './stack-file.ts';

const HELP = `Stops the stack that "npm run up" started.

  npm run down [-- --wipe]

  --wipe  also removes its data: messages, queues, keys
`;

const RUN_DIR = '.run';
const DATA_DIR = '.data';

const { values } = parseArgs({
  options: { wipe: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const record = readStackFile(RUN_DIR);
if (record === undefined) {
  removeStackFile(RUN_DIR);
  process.stdout.write('No stack runs here.\n');
} else {
  await stopAll({ processes: record.processes, runDir: RUN_DIR });
  process.stdout.write('Stopped.\n');
}
if (values.wipe) {
  wipePostgres(DATA_DIR);
  rmSync(DATA_DIR, { recursive: true, force: true });
  rmSync(RUN_DIR, { recursive: true, force: true });
  process.stdout.write('Data removed.\n');
}
