import { parseArgs } from 'node:util';
import { isUuidV4 } from '../shared/ids.ts';
import { mintToken } from './stack.ts';
import { readStackFile } from './stack-file.ts';

const HELP = `Prints a token that the running stack accepts, one a line.

  npm run -s token -- <user-uuid>… [--ttl <seconds>]

  --ttl  how long each is valid (default 3600)
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { ttl: { type: 'string', default: '3600' }, help: { type: 'boolean', default: false } },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const ttlS = Number(values.ttl);
if (positionals.length === 0) fail(HELP);
if (!Number.isInteger(ttlS) || ttlS < 1) fail('--ttl takes a whole number of seconds');
for (const id of positionals) {
  if (!isUuidV4(id)) fail(`Not a lower-case UUID v4: ${id}`);
}
const record = readStackFile('.run');
if (record === undefined) fail('No stack runs here; "npm run up" starts one.');
for (const id of positionals) {
  process.stdout.write(`${await mintToken(record.urls.kaha, id, ttlS)}\n`);
}

function fail(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
