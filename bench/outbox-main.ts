import { parseArgs } from 'node:util';
import pg from 'pg';
import { readSecrets } from '../dev/servers/secrets.ts';
import { connectAll } from './history/history-bench.ts';
import { seedHistory } from './history/history-seed.ts';
import { readTarget } from './options/target.ts';
import { measureOutbox } from './outbox/outbox-bench.ts';
import { mintTokens } from './people/tokens.ts';

const HELP = `How fast owed fan-outs are worked off, as after an outage.

  npm run bench:outbox -- [--rows 1000000] [--people 2000] [--away 20] [--minutes 30]

Needs a running stack with its own Postgres. Seeds what is missing as bench:history does, in
conversations of 100 messages between two of the people. Gives some of the people (--away) a device
that is away, so that their queues take the events. Then all these messages become owed again at
once. A load beside (npm run bench -- --rate 300) is left alone. Ends with 1 if rows are left after
the minutes. \`npm run down -- --wipe\` removes what was seeded.
`;
const MESSAGES_EACH = 100;

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    people: { type: 'string', default: '2000' },
    away: { type: 'string', default: '20' },
    minutes: { type: 'string', default: '30' },
    stack: { type: 'string', default: '.run/stack.json' },
    data: { type: 'string', default: '.data' },
    help: { type: 'boolean', default: false },
  },
});

const tell = (line: string): void => void process.stderr.write(`${line}\n`);

if (values.help) process.stdout.write(HELP);
else process.exitCode = await run();

async function run(): Promise<number> {
  const { edges, kaha, database } = readTarget({
    stack: values.stack,
    edges: undefined,
    kaha: undefined,
  });
  if (database === undefined) throw new Error('The stack names no database.');
  const [rows, people, away] = [values.rows, values.people, values.away].map(Number);
  const { contentKeys } = readSecrets(values.data);
  const sizes = { messages: rows ?? 0, messagesEach: MESSAGES_EACH, people: people ?? 0 };
  const seeded = await seedHistory({ databaseUrl: database, contentKeys, ...sizes }, tell);
  const users = [...new Set(seeded.flatMap(({ people: two }) => two))].slice(0, away);
  const tokens = await mintTokens(kaha, users);
  const tokenOf = new Map(users.map((userId, index) => [userId, String(tokens[index])]));
  for (const socket of (await connectAll({ edges, tokenOf }, () => undefined)).values()) {
    socket.close();
  }
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  const conversations = seeded.map(({ id }) => id);
  const options = { client, conversations, rows: rows ?? 0, tell };
  const secondsMax = Number(values.minutes) * 60;
  const report = await measureOutbox({ ...options, secondsMax });
  await client.end();
  const { filled, elapsedS, rowsPerS, left } = report;
  process.stdout.write(
    `${filled} rows in ${conversations.length} conversations; ${users.length} devices away; ` +
      `${rowsPerS} rows/s in ${elapsedS.toFixed(0)} s, ${left} left\n`,
  );
  return left === 0 ? 0 : 1;
}
