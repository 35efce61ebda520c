import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { Span } from './spans.ts';

type Partition = Span & {
  name: string;
  /** The partition shows no rows any more, but its detaching was not finished. */
  isDetaching: boolean;
};

/** The partitions of `messages` come in the order of their times. */
export async function readPartitions(db: Kysely<Database>): Promise<Partition[]> {
  const { rows } = await sql<Partition>`
    select name, "isDetaching",
      coalesce(1000 * extract(epoch from bounds[1]::timestamptz), '-infinity')::float8 as "fromMs",
      coalesce(1000 * extract(epoch from bounds[2]::timestamptz), 'infinity')::float8 as "untilMs"
    from (
      select c.relname as name, i.inhdetachpending as "isDetaching",
        regexp_match(pg_get_expr(c.relpartbound, c.oid),
          $$FROM [(](?:'(.*?)'|MINVALUE)[)] TO [(](?:'(.*?)'|MAXVALUE)[)]$$) as bounds
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'messages'::regclass) found
    order by "fromMs"`.execute(db);
  return rows;
}
