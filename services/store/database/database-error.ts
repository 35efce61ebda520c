import { KahaError } from '../../../shared/errors.ts';

/**
 * The failure of a statement tells its caller what to do:
 *
 *  gone          The connection failed, Postgres accepts none, its server takes no writes, or a
 *                migration has made the prepared statements of the connection void: try again on
 *                a new connection.
 *  frozen        Postgres did not answer in time: the deadline is spent, do not try again.
 *  clash         Postgres found a deadlock or a serialisation failure: run the statement again.
 *  locked        A row stayed locked for longer than `lock_timeout`.
 *  data          Postgres refuses a value: the row is at fault.
 *  no_partition  Nobody has made the week's partition.
 *  schema        Tables or functions are missing: the schema is not migrated.
 *  bug           The failure is any other one.
 */
type DatabaseFailure =
  | 'gone'
  | 'frozen'
  | 'clash'
  | 'locked'
  | 'data'
  | 'no_partition'
  | 'schema'
  | 'bug';

/** node-postgres gives the failures below a message and no code. */
const QUERY_TIMEOUT = 'Query read timeout';
const GONE_MESSAGES =
  /^(Connection terminated|Client has encountered a connection error|timeout e|Client was closed)/;
/** Postgres plans a prepared statement again after a migration, and finds it does not fit. */
const VOID_PLAN = /^cached plan must not change result type|^cache lookup failed for type/;
/** The server takes no writes, a transaction was idle for too long, or the database is away. */
const GONE_STATES = ['25006', '25P03', '3D000'];
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
  if (['0A000', 'XX000'].includes(code) && VOID_PLAN.test(message)) return 'gone';
  if (code === '57014') return 'frozen'; // `statement_timeout` ended the statement.
  if (GONE_STATES.includes(code)) return 'gone';
  if (code === '23514' && message.startsWith('no partition of relation')) return 'no_partition';
  if (['42P01', '42883', '3F000', '42703'].includes(code)) return 'schema';
  switch (code.slice(0, 2)) {
    case '08': // The connection failed.
    case '28': // Postgres takes the user or the password no more.
    case '53': // Postgres is out of connections, memory or disk.
    case '57': // An operator shut Postgres down.
    case '58': // The system below Postgres failed.
      return 'gone';
    case '22': // A value has a wrong form.
    case '23': // A value breaks a constraint.
    case '54': // A value exceeds a limit of Postgres.
      return 'data';
    default:
      return 'bug';
  }
}

/** A client gets this typed error. A bug becomes INTERNAL, without the text of the driver. */
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
