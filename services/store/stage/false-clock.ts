type Sql = (text: string, values?: unknown[]) => Promise<unknown>;

/**
 * The clock of one database can be set. Sessions that are opened later find these functions before
 * those of Postgres, whether a statement or a function calls them. The sessions that are open now
 * see the true time.
 */
const STATEMENTS = [
  'create schema false_clock',
  `create table false_clock.jump as select interval '0' as by`,
  ...['clock_timestamp', 'now', 'statement_timestamp'].map(
    (name) => `create function false_clock.${name}() returns timestamptz language sql volatile
      as 'select pg_catalog.${name}() + by from false_clock.jump'`,
  ),
  `do $$ begin execute format('alter database %I set search_path = public, false_clock, pg_catalog',
    current_database()); end $$`,
];

/** The result sets the clock: it is so many days ahead then. */
export async function setFalseClock(sql: Sql): Promise<(days: number) => Promise<void>> {
  for (const statement of STATEMENTS) await sql(statement);
  return async (days) => {
    await sql(`update false_clock.jump set by = $1::int * interval '1 day'`, [days]);
  };
}
