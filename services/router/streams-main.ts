import { connectNats } from '../../shared/nats/nats-connection.ts';
import { EnvReader, readQueueShards } from '../../shared/process/env.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { setUpStreams } from './streams/stream-setup.ts';

const GIB = 1024 ** 3;
const reader = new EnvReader(process.env);
const url = reader.url('NATS_URL', ['nats:', 'tls:']);
const nkeySeed = reader.string('NATS_NKEY_SEED');
const settings = {
  shards: readQueueShards(reader),
  replicas: reader.integer('STREAM_REPLICAS', { min: 1, max: 5, byDefault: 1 }),
  queueBytesMax: GIB * reader.integer('INBOX_GIB_MAX', { min: 1, max: 65_536, byDefault: 4 }),
};
reader.done();

const instance = 'setup';
const logger = createLogger({ service: 'streams', instance, level: 'info', hashKey: instance });
const nc = await connectNats({ url, nkeySeed, natsUser: 'setup', instance });
try {
  const { created, updated } = await setUpStreams(nc, settings);
  logger.info({ created: created.length, updated: updated.length }, 'streams are there');
} catch (error) {
  logger.fatal({ err: error }, 'streams could not be set up');
  process.exitCode = 1;
} finally {
  await nc.close();
}
