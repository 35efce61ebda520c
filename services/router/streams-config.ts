import { type Env, EnvReader, readQueueShards } from '../../shared/process/env.ts';
import type { StreamSettings } from './streams/stream-definitions.ts';

type StreamsConfig = { nats: { url: string; nkeySeed: string }; streams: StreamSettings };

const GIB = 1024 ** 3;

/** The command that makes the streams reads these settings. */
export function loadStreamsConfig(env: Env): StreamsConfig {
  const reader = new EnvReader(env);
  const config = {
    nats: {
      url: reader.url('NATS_URL', ['nats:', 'tls:']),
      nkeySeed: reader.string('NATS_NKEY_SEED'),
    },
    streams: {
      shards: readQueueShards(reader),
      replicas: reader.integer('STREAM_REPLICAS', { min: 1, max: 5, byDefault: 1 }),
      queueBytesMax: GIB * reader.integer('INBOX_GIB_MAX', { min: 1, max: 65_536, byDefault: 4 }),
    },
  };
  reader.done();
  return config;
}
