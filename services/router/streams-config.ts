import { FEED_CONSUMER_NAME } from '../../shared/contracts/permissions.ts';
import { PUSH_SHARES_MAX, streams } from '../../shared/contracts/subjects.ts';
import { type Env, EnvReader, readQueueShards } from '../../shared/process/env.ts';
import type { StreamSettings } from './streams/stream-definitions.ts';

type StreamsConfig = { nats: { url: string; nkeySeed: string }; streams: StreamSettings };

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const FEED_CONSUMERS_MAX = 16;

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
      queueBytesMax: GIB * reader.integer('QUEUE_GIB_MAX', { min: 1, max: 65_536, byDefault: 8 }),
      eventsBytesMax:
        MIB * reader.integer('EVENTS_MIB_MAX', { min: 16, max: 1_048_576, byDefault: 4_096 }),
      feedConsumers: readFeedConsumers(reader),
      pushShares: reader.integer('PUSH_SHARES', { min: 0, max: PUSH_SHARES_MAX, byDefault: 0 }),
    },
  };
  reader.done();
  return config;
}

/** `FEED_CONSUMERS` names the consumers of the feed besides push: `webhooks,analytics`. */
function readFeedConsumers(reader: EnvReader): string[] {
  const names = [...new Set(reader.list('FEED_CONSUMERS'))];
  if (names.length > FEED_CONSUMERS_MAX || !names.every((name) => FEED_CONSUMER_NAME.test(name))) {
    reader.problem(
      `FEED_CONSUMERS must be at most ${FEED_CONSUMERS_MAX} names that match ` +
        FEED_CONSUMER_NAME.source,
    );
  }
  const ofPush = Array.from({ length: PUSH_SHARES_MAX }, (_, share) => streams.pushConsumer(share));
  if (names.some((name) => ofPush.includes(name))) {
    reader.problem(`FEED_CONSUMERS must not name ${ofPush[0]} and the like: set PUSH_SHARES`);
  }
  return names;
}
