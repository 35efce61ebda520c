import type { Redis } from 'ioredis';
import type { Logger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { Pressure } from '../../../shared/process/pressure.ts';
import { createAppendWriter } from '../append/append-writer.ts';
import { createGroupCommit } from '../append/group-commit.ts';
import { AgentPresences } from '../assignment/agent-presence.ts';
import type { ReapplyConfig } from '../config.ts';
import { createAddressCipher } from '../content/address-cipher.ts';
import { ContentCiphers } from '../content/content-ciphers.ts';
import { ConversationKeys } from '../content/conversation-keys.ts';
import { openStoreDatabase } from '../database/database.ts';
import { TimesAhead } from '../database/times-ahead.ts';
import { ErasureSecret } from '../erasures/erasure-secret.ts';
import { createBusinessSends } from '../inbox/business-sends.ts';
import { createOperations } from '../operations.ts';
import { ReadCommit } from '../positions/read-commit.ts';
import { readPositions } from '../positions/read-positions.ts';
import type { ErasureStream } from './erasure-stream.ts';

type Parts = { stream: ErasureStream; redis: Redis | undefined; logger: Logger };

/** Opens the operations of a store that serves nobody but this process. */
export function openOperations(
  { database: config, retentionDays, graceDays, contentKeys }: ReapplyConfig,
  { stream, redis, logger }: Parts,
) {
  const database = openStoreDatabase({ ...config, retentionDays, logger });
  const { db, pool, positions, close } = database;
  const metrics = createMetrics('reapply', 'reapply');
  const noteUse = () => undefined;
  const keys = new ConversationKeys({ db, contentKeys, metrics, logger, noteUse });
  const ciphers = new ContentCiphers({ keys, contentKeys });
  const writer = createAppendWriter({ pool: database.appends, db });
  const operations = createOperations({
    ...{ db, pool, ciphers, redis, metrics, logger },
    group: createGroupCommit(writer, new Pressure()),
    businessSends: createBusinessSends({ database: database.businessSends, ciphers, logger }),
    reads: new ReadCommit((batch) => readPositions(positions, batch)),
    presences: new AgentPresences({ redis, logger }),
    secret: new ErasureSecret({ db, contentKeys, logger }),
    addresses: createAddressCipher(contentKeys),
    timesAhead: new TimesAhead({ metrics, logger }),
    recordErasure: stream.append,
    policy: { days: retentionDays, graceDays, pooling: config.pooling },
    editWindowMs: 0,
    // No router has read anything while stores serve nothing.
    settledMs: 0,
  });
  return { operations, db, close };
}
