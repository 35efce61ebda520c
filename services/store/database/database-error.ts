import { KahaError } from '../../../shared/errors.ts';

/**
 * What a failed statement means for the one who waits:
 *
 *  gone     the connection failed or Postgres takes none: try again on a new one
 *  frozen   no answer in time: the deadline is spent, do not try again
 *  clash    deadlock or serialisation failure: run it again
 *  locked   `lock_timeout`
 *  data     a value that Postgres refuses: the row's fault
 *  no_partition   nobody made the month's partition
 *  schema   tables or functions are missing: not migrated
 *  bug      anything else
 */
export type DatabaseFailure =
  | 'gone'
  | 'frozen'
  | 'clash'
  | 'locked'
  | 'data'
  | 'no_partition'
  | 'schema'
  | 'bug';

/** node-postgres gives these no code. */
const QUERY_TIMEOUT = 'Query read timeout';
const GONE_MESSAGES =
  /^(Connection terminated|Client has encountered a connection error|timeout e|Client was closed)/;
const GONE_SYSTEM_CODE = /^(E[A-Z]+)$/;

export function classifyFailure(error: unknown): DatabaseFailure {
  if (!(error instanceof Error)) return 'bug';
  const { code, message } = error as Error & { code?: unknown };
  if (message === QUERY_TIMEOUT) return 'frozen';
  if (typeof code !== 'string') return GONE_MESSAGES.test(message) ? 'gone' : 'bug';
  if (GONE_SYSTEM_CODE.test(code)) return 'gone';
  return classifySqlState(code, message);
}

function classifySqlState(code: string, message: string): DatabaseFailure {
  if (code === '40P01' || code === '40001') return 'clash';
  if (code === '55P03') return 'locked';
  if (code === '57014') return 'frozen'; // statement_timeout
  if (code === '23514' && message.startsWith('no partition of relation')) return 'no_partition';
  if (['42P01', '42883', '3F000', '42703'].includes(code)) return 'schema';
  switch (code.slice(0, 2)) {
    case '08': // connection
    case '53': // out of connections, memory or disk
    case '57': // shut down by an operator
    case '58': // system error
      return 'gone';
    case '22': // data
    case '23': // constraint
    case '54': // program limit
      return 'data';
    default:
      return 'bug';
  }
}

/** The typed error for a client. What is a bug becomes INTERNAL, without the driver's text. */
export function toKahaError(error: unknown): KahaError {
  if (error instanceof KahaError) return error;
  const cause = { cause: error };
  switch (classifyFailure(error)) {
    case 'gone':
      return new KahaError('DATABASE_UNAVAILABLE', 'The database is not available', cause);
    case 'frozen':
      return new KahaError('DATABASE_UNAVAILABLE', 'The database does not answer', cause);
    case 'clash':
    case 'locked':
      return new KahaError('DATABASE_UNAVAILABLE', 'The row is busy', { ...cause, retryAfterS: 1 });
    case 'no_partition':
      return new KahaError('DATABASE_UNAVAILABLE', 'The partition is not made yet', cause);
    case 'schema':
      return new KahaError('DATABASE_UNAVAILABLE', 'The schema is not migrated', cause);
    case 'data':
      return new KahaError('INVALID_REQUEST', 'The database refuses a value', cause);
    case 'bug':
      return new KahaError('INTERNAL', 'Internal error', cause);
  }
}
