import t from 'tap';
import { createDatabase } from '../../../dev/testing/test-servers.ts';
import { until } from '../../../dev/testing/until.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createPool } from './pool.ts';

const database = await createDatabase({ isEmpty: true });
t.teardown(() => database.drop());

const lines: string[] = [];
const options = { service: 'store', instance: 'store-1', level: 'trace', hashKey: 'k' };
const logger = createLogger(options, { write: (line) => lines.push(line) });

t.test('a connection that is lost, idle or in use, is logged without what it holds', async (t) => {
  const pool = createPool({ url: database.url, max: 2, logger });
  const killer = createPool({ url: database.url, max: 1, applicationName: 'other', logger });
  t.teardown(() => Promise.all([pool.end(), killer.end()]));
  const [row] = await pool.query<{ pid: number }>('select pg_backend_pid() as pid', []);
  const used = await pool.connect();
  const asking = used.query('select pg_sleep(10), $1::text as secret', ['a secret value']);
  const lost = t.rejects(asking, { code: '57P01' });
  const other = await pool.connect();
  const { rows } = await other.query<{ pid: number }>('select pg_backend_pid() as pid');
  other.release();
  await killer.query('select pg_terminate_backend(pid) from unnest($1::int[]) pid', [
    [row?.pid, rows[0]?.pid],
  ]);
  await lost;
  used.release();
  await until('both are logged', async () => lines.length >= 2);
  const text = lines.join('');
  t.match(text, /"code":"57P01"/);
  t.notMatch(text, /pg_sleep|a secret value|secretKey|processID|connectionParameters|stack/);
  t.ok(text.length < 2_000);
});
