import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import pino from 'pino';
import { openDatabase } from '../services/store/database/database.ts';
import { dropPartitions } from '../services/store/expiry/drop-partitions.ts';
import { expire } from '../services/store/expiry/expire.ts';
import { readTarget } from './options/target.ts';
import { seedExpired } from './retention/expired-seed.ts';
import { startProbe } from './retention/statement-probe.ts';

const HELP = `How fast messages go whose time is over, and how long statements beside that wait.

  npm run bench:retention -- [--messages 1000000] [--reader-s 0] [--pause-ms 100]

Needs a running stack with its own Postgres. Seeds a week of long ago, and clears and drops it as
stores do, in the batches and with the pauses of the service retention. Meanwhile somebody reads
messages in a transaction that stays open for so many seconds. Compare with a load beside:
  npm run bench -- --rate 500        before, and again while this runs
\`npm run down -- --wipe\` removes what was seeded.
`;
const BATCH = 500;
const DROP_PAUSE_MS = 1_000;

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '1000000' },
    'reader-s': { type: 'string', default: '0' },
    'pause-ms': { type: 'string', default: '100' },
    stack: { type: 'string', default: '.run/stack.json' },
    help: { type: 'boolean', default: false },
  },
});

const tell = (line: string): void => void process.stderr.write(`${line}\n`);

if (values.help) process.stdout.write(HELP);
else await run();

async function run(): Promise<void> {
  const { stack } = values;
  const { database: url } = readTarget({ stack, edges: undefined, kaha: undefined });
  if (url === undefined) throw new Error('The stack names no database.');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await seedExpired(client, Number(values.messages), tell);
  const logger = pino({ name: 'retention-bench', level: 'warn' });
  const { db, close } = openDatabase({ url, poolMax: 4, logger });
  const policy = { days: 90, graceDays: 7, pooling: 'session' as const };
  await client.query(`insert into expiry_clock (seen_at, steady_since) values (now(), 'epoch')
    on conflict (is_only) do update set seen_at = now(), steady_since = 'epoch'`);

  const probe = await startProbe(url);
  const startedAt = performance.now();
  const seconds = (): string => ((performance.now() - startedAt) / 1_000).toFixed(1);
  tell(`${new Date().toISOString()} clearing`);
  let messages = 0;
  for (let left = true; left; ) {
    const done = await expire(
      { db, policy, logger },
      { asked_at: new Date().toISOString(), limit: BATCH },
    );
    if (done.held !== undefined) throw new Error(done.held);
    ({ left } = done);
    messages += done.messages;
    await delay(Number(values['pause-ms']));
  }
  tell(`${new Date().toISOString()} cleared ${messages} messages in ${seconds()} s`);
  const beside = await probe.stop();

  const dropProbe = await startProbe(url);
  await client.query('begin');
  await client.query('select seq from messages limit 1');
  const reading = delay(1_000 * Number(values['reader-s'])).then(() => client.query('commit'));
  let tries = 0;
  for (let left = 1; left > 0; tries += 1) {
    ({ left } = await dropPartitions({ db, policy, logger }, { limit: 10 }));
    if (left > 0) await delay(DROP_PAUSE_MS);
  }
  await reading;
  const duringDrop = await dropProbe.stop();
  process.stdout.write(
    `${messages} messages cleared, dropped at try ${tries} after ${seconds()} s\n` +
      `a statement beside took, ms: clearing p99 ${beside.p99.toFixed(1)} max ` +
      `${beside.max.toFixed(1)}; dropping p99 ${duringDrop.p99.toFixed(1)} max ` +
      `${duringDrop.max.toFixed(1)}\n`,
  );
  await close();
  await client.end();
}
