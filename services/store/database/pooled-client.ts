import { classifyFailure } from './database-error.ts';
import type { ServerClient } from './server-client.ts';

type QueryResult<Row> = { rows: Row[]; rowCount: number | null; command: string };

export type PoolClient = {
  query<Row>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>>;
  release(): void;
};

/** Statements run so on the connections of a pool. */
type Manner = {
  /** A statement is prepared by this name, once on each connection. */
  nameOf(text: string): string | undefined;
  /**
   * A transaction begins with these statements. Every statement is in one then, because nothing
   * else is sure to reach the same connection of Postgres.
   */
  settings?: string;
};

const READ_ONLY = '25006';
const BEGIN = /^\s*(begin|start\s+transaction)\b/i;
const END = /^\s*(commit|rollback)\s*;?\s*$/i;

/**
 * One user of a pool has the connection until its release. A connection that got no answer to a
 * query leaves the pool, because the next query on it would wait behind that one.
 */
export function checkOut(
  client: ServerClient & { release(error?: Error): void },
  { nameOf, settings }: Manner,
): PoolClient {
  let broken: Error | undefined;
  let isInTransaction = false;
  const run = async <Row>(text: string, values: readonly unknown[] = []) => {
    if (broken) throw broken;
    try {
      const name = nameOf(text);
      const query = { text, values: [...values], ...(name !== undefined && { name }) };
      return (await client.query(query)) as unknown as QueryResult<Row>;
    } catch (error) {
      if (isBroken(error, client)) broken = error as Error;
      throw error;
    }
  };
  const begin = async (text: string): Promise<QueryResult<never>> => {
    await run(`${text}; ${settings}`);
    return { rows: [], rowCount: null, command: 'BEGIN' };
  };
  const runAlone = async <Row>(text: string, values: readonly unknown[]) => {
    await begin('begin');
    try {
      const result = await run<Row>(text, values);
      await run('commit');
      return result;
    } catch (error) {
      await run('rollback').catch((failure: unknown) => failure);
      throw error;
    }
  };
  return {
    async query<Row>(text: string, values: readonly unknown[] = []) {
      if (settings === undefined) return run<Row>(text, values);
      if (BEGIN.test(text)) {
        isInTransaction = true;
        return begin(text);
      }
      if (!isInTransaction) return runAlone<Row>(text, values);
      if (END.test(text)) isInTransaction = false;
      return run<Row>(text, values);
    },
    release: () => client.release(broken),
  };
}

function isBroken(error: unknown, client: ServerClient): boolean {
  const { code } = error as { code?: string };
  if (code === READ_ONLY && client.isReadOnly) return false;
  const failure = classifyFailure(error);
  // An error of `statement_timeout` has a code, and its connection is sound.
  const isFrozen = failure === 'frozen' && !code;
  if (code === READ_ONLY || isFrozen) client.doubt();
  return failure === 'gone' || isFrozen;
}
