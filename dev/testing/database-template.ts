import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

const NAME = 'kaha_template';
const MIGRATE = join('dist', 'services', 'store', 'migrate-main.js');

/**
 * Makes a database with the schema on this server, and resolves with its name. A copy of it takes a
 * tenth of the time that a migration takes. The services must have been built.
 */
export async function makeTemplate(server: string): Promise<string> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${NAME}`);
  } finally {
    await client.end();
  }
  const { href } = Object.assign(new URL(server), { pathname: `/${NAME}` });
  await promisify(execFile)(process.execPath, [MIGRATE], { env: { DATABASE_URL: href } });
  return NAME;
}
