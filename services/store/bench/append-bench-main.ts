import { pino } from 'pino';
import { type Env, EnvReader } from '../../../shared/process/env.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { Pressure } from '../../../shared/process/pressure.ts';
import { loadOrExit } from '../../../shared/process/process.ts';
import { createAppendWriter } from '../append/append-writer.ts';
import { createGroupCommit } from '../append/group-commit.ts';
import { AgentPresences } from '../assignment/agent-presence.ts';
import { readContentKeys, readDatabase } from '../config.ts';
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
import { type AppendBench, measurePaced, measureThroughput } from './append-bench.ts';

/**
 * `npm run bench:append` runs the store's own code without NATS, including encryption and outbox
 * deletes. It first measures the highest throughput (requests of 16 sends), then single sends at
 * 1000/s, and the CPU time of this process and of Postgres (`BENCH_POSTGRES_PID` is the
 * postmaster). The bench needs a migrated database.
 */
const config = loadOrExit({
  env: process.env,
  loadConfig: (env: Env) => {
    const reader = new EnvReader(env);
    const read = {
      ...readDatabase(reader),
      contentKeys: readContentKeys(reader),
      seconds: reader.integer('BENCH_SECONDS', { min: 1, max: 3600, byDefault: 10 }),
      postgresPid: reader.integer('BENCH_POSTGRES_PID', { min: 0, max: 2 ** 31, byDefault: 0 }),
    };
    reader.done();
    return read;
  },
});

const logger = pino({ name: 'append-bench', level: 'warn' });
const { contentKeys } = config;
const database = openStoreDatabase({ ...config.database, retentionDays: 90, logger });
const { db, pool, positions } = database;
const metrics = createMetrics('store', 'append-bench');
const noteUse = () => undefined;
const keys = new ConversationKeys({ db, contentKeys, metrics, logger, noteUse });
const ciphers = new ContentCiphers({ keys, contentKeys });
const writer = createAppendWriter({ pool: database.appends, db });
const pressure = new Pressure();
const reads = new ReadCommit((batch) => readPositions(positions, batch));
const ofBusinesses = { database: database.businessSends, ciphers, logger };
const businessSends = createBusinessSends(ofBusinesses);
const commits = { count: 0, rows: 0 };
const group = createGroupCommit(writer, pressure, (rows) => {
  commits.count += 1;
  commits.rows += rows;
});
const presences = new AgentPresences({ redis: undefined, logger });
const timesAhead = new TimesAhead({ metrics, logger });
const addresses = createAddressCipher(config.contentKeys);
const policy = { days: 90, graceDays: 7, pooling: config.database.pooling };
const common = { addresses, policy, timesAhead, metrics, logger };
const secret = new ErasureSecret({ db, contentKeys, logger });
/** Nothing is erased here. */
const recordErasure = () => Promise.reject(new Error('no stream'));
const users = { presences, secret, redis: undefined, recordErasure };
const deps = { db, pool, ciphers, group, businessSends, reads, ...users, ...common };
const operations = createOperations({ ...deps, editWindowMs: 0 });
const { seconds, postgresPid } = config;
const bench: AppendBench = { operations, commits, seconds, postgresPid };
const throughput = await measureThroughput(bench);
const paced = await measurePaced(bench);
process.stdout.write(`${JSON.stringify({ throughput, paced })}\n`);
process.stdout.write(
  `${throughput.rows_per_s} rows/s (${throughput.rows_per_commit} a commit) · at ` +
    `${paced.rows_per_s}/s ${paced.cpu_s_per_1000} CPU-s per 1000, p99 ${paced.p99_ms} ms\n`,
);
await database.close();
