import { AckPolicy, DiscardPolicy, type NatsConnection, RetentionPolicy, StorageType } from 'nats';
import { streams, subjects } from '../../contracts/subjects.ts';

const MIB = 1024 ** 2;

type Api = Awaited<ReturnType<NatsConnection['jetstreamManager']>>;

/** Makes EVENTS of 1 MiB, with the durable of a consumer. */
export async function makeEvents(jsm: Api, consumer: string): Promise<void> {
  await jsm.streams.add({
    ...{ name: streams.events, subjects: [subjects.events('*')] },
    ...{ retention: RetentionPolicy.Interest, discard: DiscardPolicy.Old },
    ...{ storage: StorageType.File, max_bytes: MIB },
  });
  const config = { durable_name: consumer, ack_policy: AckPolicy.Explicit };
  await jsm.consumers.add(streams.events, { ...config, ack_wait: 30_000_000_000 });
}

/** Makes the stream in which consumers keep their bookmarks. */
export async function makeBookmarks(jsm: Api): Promise<void> {
  await jsm.streams.add({
    ...{ name: streams.bookmarks, subjects: [subjects.bookmarks('*')] },
    ...{ max_msgs_per_subject: 1, allow_direct: true },
  });
}
