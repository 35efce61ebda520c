import { parseArgs } from 'node:util';
import { readSecrets } from '../dev/servers/secrets.ts';
import { measureHistory } from './history/history-bench.ts';
import { seedHistory } from './history/history-seed.ts';
import { readTarget } from './options/target.ts';
import { mintTokens } from './people/tokens.ts';

const HELP = `How long a page of history takes over the socket, with many messages stored.

  npm run bench:history -- [--messages 1000000] [--rate 50] [--duration 20] [--limit 100]
    [--old-keys]

Needs a running stack with its own Postgres. Seeds what is missing into it, straight by SQL, sealed
as the store seals: conversations of 1000 messages between 100 people. With --old-keys they are
sealed as before conversations had keys, for \`npm run -s keys -- reencrypt\` to move.
\`npm run down -- --wipe\` removes them.
`;
const PEOPLE = 100;
const MESSAGES_EACH = 1_000;

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '50' },
    duration: { type: 'string', default: '20' },
    limit: { type: 'string', default: '100' },
    'old-keys': { type: 'boolean', default: false },
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
  const messages = Number(values.messages);
  const { contentKeys } = readSecrets(values.data);
  const isOld = values['old-keys'];
  const seeding = { databaseUrl: database, contentKeys, messages, people: PEOPLE, isOld };
  const conversations = await seedHistory({ ...seeding, messagesEach: MESSAGES_EACH }, tell);
  const people = [...new Set(conversations.flatMap(({ people: two }) => two))];
  const tokens = await mintTokens(kaha, people);
  const tokenOf = new Map(people.map((userId, index) => [userId, String(tokens[index])]));
  const [ratePerS, seconds, limit] = [values.rate, values.duration, values.limit].map(Number);
  const options = { edges, conversations, tokenOf };
  const load = { ratePerS: ratePerS ?? 0, seconds: seconds ?? 0, limit: limit ?? 0 };
  const { ms, errors, short, unanswered } = await measureHistory({ ...options, ...load });
  const times = [ms.p50, ms.p95, ms.p99, ms.max].map((value) => value.toFixed(1));
  const stored = conversations.length * MESSAGES_EACH;
  process.stdout.write(
    `${stored} messages stored; ${ms.count} pages of ${limit} at ${ratePerS}/s, ms: ` +
      `p50 ${times[0]}  p95 ${times[1]}  p99 ${times[2]}  max ${times[3]}\n` +
      `errors ${JSON.stringify(errors)}, ${short} pages not full, ${unanswered} unanswered\n`,
  );
  return short + unanswered + Object.keys(errors).length === 0 ? 0 : 1;
}
