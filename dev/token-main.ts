import { parseArgs } from 'node:util';
import { isUuidV4 } from '../shared/ids.ts';
import { readSecrets } from './servers/secrets.ts';
import { mintTokens } from './stack/stack.ts';
import { readStackFile } from './stack/stack-file.ts';

const HELP = `Prints a token that the running stack accepts, one a line.

  npm run -s token -- <user-uuid>… [--ttl <seconds>]
  npm run -s token -- --service

  --ttl      how long each is valid (default 3600)
  --service  print the token of a service, which sets up businesses over REST
`;

const RUN_DIR = '.run';
const DATA_DIR = '.data';

try {
  await printTokens();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}

async function printTokens(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ttl: { type: 'string', default: '3600' },
      service: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  if (values.service) {
    readStackFile(RUN_DIR);
    return void process.stdout.write(`${readSecrets(DATA_DIR).edgeServiceToken}\n`);
  }
  if (positionals.length === 0) throw new Error(HELP);
  const ttlS = Number(values.ttl);
  if (!Number.isInteger(ttlS) || ttlS < 1) {
    throw new Error('--ttl takes a whole number of seconds, 1 or more');
  }
  const bad = positionals.find((id) => !isUuidV4(id));
  if (bad !== undefined) throw new Error(`Not a lower-case UUID v4: ${bad}`);
  const { urls } = readStackFile(RUN_DIR);
  const tokens = await mintTokens(urls.kaha, positionals, ttlS).catch((cause) => {
    throw new Error('The kaha-main-v3 stand-in does not answer: see .run/kaha.log', { cause });
  });
  process.stdout.write(`${tokens.join('\n')}\n`);
}
