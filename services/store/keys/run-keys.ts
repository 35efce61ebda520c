import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import type { Config } from '../config.ts';
import { ContentCiphers } from '../content/content-ciphers.ts';
import { ConversationKeys } from '../content/conversation-keys.ts';
import { openDatabase } from '../database/database.ts';
import type { KeysCommand } from './keys-command.ts';
import { readKeyStatus, toStatusText } from './keys-status.ts';
import { reencrypt } from './reencrypt.ts';
import { resealAddresses } from './reseal-addresses.ts';
import { type KeysJob, type Outcome, rotateKeys } from './rotate-keys.ts';

type Command = Exclude<KeysCommand, { kind: 'help' }>;
type Output = {
  /** The answer goes here. */
  print: (text: string) => void;
  /** Progress and failures go here, a line each. */
  tell: (line: string) => void;
};

/** The status walks through every message. */
const STATEMENT_TIMEOUT_MS = 3_600_000;
/** Another rotation holds its rows for one batch. */
const LOCK_TIMEOUT_MS = 60_000;

/** Carries out a command. The promise resolves with the status that the process exits with. */
export async function runKeys(
  command: Command,
  { database, contentKeys }: Pick<Config, 'database' | 'contentKeys'>,
  { print, tell }: Output,
): Promise<0 | 1> {
  const naming = { service: 'keys', instance: 'keys', level: 'warn', hashKey: 'keys' };
  const logger = createLogger(naming, { write: (line) => tell(line.trimEnd()) });
  const timeouts = { statementTimeoutMs: STATEMENT_TIMEOUT_MS, lockTimeoutMs: LOCK_TIMEOUT_MS };
  const options = { ...database, ...timeouts, applicationName: 'kaha-keys' };
  const { db, close } = openDatabase({ ...options, logger });
  try {
    if (command.kind === 'status') {
      const ids = contentKeys.map(({ id }) => id);
      print(toStatusText(await readKeyStatus(db), ids));
      return 0;
    }
    const metrics = createMetrics('keys', 'keys');
    const noteUse = () => undefined;
    const keys = new ConversationKeys({ db, contentKeys, metrics, logger, noteUse });
    const ciphers = new ContentCiphers({ keys, contentKeys });
    const { done, left } =
      command.kind === 'rotate'
        ? await rotateAll({ db, contentKeys, tell })
        : await reencrypt({ db, ciphers, tell, rowsPerS: command.rowsPerS });
    print(`${done} done, ${left} left\n`);
    return left === 0 ? 0 : 1;
  } catch (error) {
    tell(`failed: ${(error as Error).message}`);
    return 1;
  } finally {
    await close();
  }
}

/** Brings all that is under a content key itself, but for texts of before, under the first one. */
async function rotateAll(job: KeysJob): Promise<Outcome> {
  const keys = await rotateKeys(job);
  const addresses = await resealAddresses(job);
  return { done: keys.done + addresses.done, left: keys.left + addresses.left };
}
