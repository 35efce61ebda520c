import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { createDatabase } from './testing/test-servers.ts';

const HELP = `How many messages a second one store writes, and what that costs.

  npm run bench:append [-- --seconds 10]

Runs the store's own code against a Postgres and a database of its own; no stack is needed.
`;

const STORE = join('services', 'store');

try {
  await measure();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '10' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const database = await createDatabase();
  try {
    const env = {
      ...process.env,
      DATABASE_URL: database.url,
      CONTENT_KEYS: `bench:${randomBytes(32).toString('base64')}`,
      BENCH_SECONDS: values.seconds,
      BENCH_POSTGRES_PID: String(await postmasterOf(database.url)),
    };
    run('migrate-main.ts', env);
    run('bench/append-bench-main.ts', env);
  } finally {
    await database.drop();
  }
}

function run(program: string, env: NodeJS.ProcessEnv): void {
  const args = ['--import=tsx', join(STORE, program)];
  const { status } = spawnSync(process.execPath, args, { env, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${program} ended with ${status}`);
}

/**
 * Resolves with the pid of the postmaster, which is the parent of a connection's process. If
 * Postgres runs elsewhere, the result is 0 and nothing is counted.
 */
async function postmasterOf(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const stat = readFileSync(`/proc/${rows[0]?.pid}/stat`, 'latin1');
    return stat.includes('(postgres)') ? Number(stat.split(') ')[1]?.split(' ')[1]) : 0;
  } catch {
    return 0;
  } finally {
    await client.end();
  }
}
