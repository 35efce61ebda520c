import pg from 'pg';

/** The counts run since the database was made. */
export type DatabaseUsage = { transactions: number; walBytes: number };

const READ = `
  select xact_commit + xact_rollback as transactions,
         pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as wal_bytes
  from pg_stat_database where datname = current_database()`;

/**
 * Resolves with undefined if the database cannot be asked, because this measure is not essential.
 */
export async function readDatabaseUsage(
  url: string | undefined,
): Promise<DatabaseUsage | undefined> {
  if (url === undefined) return undefined;
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ transactions: string; wal_bytes: string }>(READ);
    await client.end();
    const [row] = rows;
    return { transactions: Number(row?.transactions), walBytes: Number(row?.wal_bytes) };
  } catch {
    return undefined;
  }
}
