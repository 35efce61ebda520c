import type { ProfileOps } from './profile-ops.ts';
import type { StoreOps } from './store-ops.ts';
import { JETSTREAM_ACK_PREFIX, streams } from './subjects.ts';

/** Each service has a NATS user of its kind. `kaha` is kaha-main-v3, `setup` makes the streams. */
export const USER_KINDS = [
  'edge',
  'router',
  'store',
  'profiles',
  'retention',
  'kaha',
  'setup',
] as const;

export type NatsUserKind = (typeof USER_KINDS)[number];
type Party = NatsUserKind | 'jetstream';

type Row = {
  /** A pattern of NATS: `*` stands for one token, and `>` for all that follow. */
  subject: string;
  publish: readonly Party[];
  subscribe: readonly Party[];
  /** The subject is a request. The subscriber listens to this pattern and answers publishers. */
  requestsAs?: string;
  /** This stream keeps what is published on the subject. */
  keptBy?: string;
  /** This kind pulls from the stream, by a durable that has the kind's name. */
  pulledBy?: NatsUserKind;
};

const API = '$JS.API';
const ADVISORY = '$JS.EVENT.ADVISORY.CONSUMER';

/** These kinds of users ask for the operations of a service. The type demands a row for each. */
type Askers<Ops> = Readonly<Record<keyof Ops & string, readonly NatsUserKind[]>>;

const STORE_ASKERS: Askers<StoreOps> = {
  'messages.history': ['edge'],
  'messages.undelivered': ['edge'],
  'messages.get': ['edge'],
  'messages.locate': ['edge'],
  'messages.append': ['router'],
  'messages.edit': ['router'],
  'messages.delete': ['router'],
  'messages.react': ['router'],
  'conversations.get': ['edge'],
  'conversations.list': ['edge'],
  'conversations.create': ['router'],
  'conversations.change': ['router'],
  'conversations.participants': ['router'],
  'positions.read': ['router'],
  'positions.list': ['router'],
  'outbox.claim': ['router'],
  'outbox.owed': ['router'],
  'outbox.done': ['router'],
  'contacts.shared': ['edge'],
  'contacts.list': ['profiles'],
  'partitions.ensure': ['retention'],
};

const PROFILES_ASKERS: Askers<ProfileOps> = { get: ['edge'] };

/**
 * The one table of what NATS carries: who publishes, who subscribes, and which stream keeps it. The
 * permissions of each NATS user and the subjects of each stream are derived from it, so a service
 * may say and hear exactly what stands here. `permissions.ts` says where answers come.
 */
export const TRAFFIC: readonly Row[] = [
  { subject: 'rpc.router.*', publish: ['edge'], subscribe: ['router'], requestsAs: 'rpc.router.*' },
  ...requests('store', STORE_ASKERS),
  ...requests('profiles', PROFILES_ASKERS),

  // Live events and signals, which nobody keeps.
  { subject: 'user.*', publish: ['edge', 'router', 'profiles'], subscribe: ['edge'] },
  { subject: 'presence.*', publish: ['edge'], subscribe: ['edge'] },
  { subject: 'router.who', publish: ['edge'], subscribe: ['router'] },
  { subject: 'router.alive', publish: ['router'], subscribe: ['edge'] },
  { subject: 'router.leaving', publish: ['router'], subscribe: ['edge'] },
  { subject: 'membership.changed', publish: ['router'], subscribe: ['router'] },
  { subject: 'queue.made', publish: ['router'], subscribe: ['router'] },
  { subject: 'profiles.changed', publish: ['profiles'], subscribe: ['profiles'] },

  // A router offers durable events to devices, and the edges that hold the devices answer.
  { subject: 'device.*.*', publish: ['router'], subscribe: ['edge'] },
  { subject: 'answers.>', publish: ['edge'], subscribe: ['router'] },

  // Streams keep these. Device queues deliver to edges, which acknowledge to JetStream.
  {
    subject: 'inbox.*.*',
    publish: ['router'],
    subscribe: ['jetstream'],
    keptBy: streams.inbox('*'),
  },
  { subject: 'deliver.*.*', publish: ['jetstream'], subscribe: ['edge'] },
  { subject: `${JETSTREAM_ACK_PREFIX}>`, publish: ['edge'], subscribe: ['jetstream'] },
  {
    subject: 'receipts.*',
    publish: ['router'],
    subscribe: ['jetstream'],
    keptBy: streams.receipts,
    pulledBy: streams.receiptsDurable,
  },
  {
    subject: 'kaha.>',
    publish: ['kaha'],
    subscribe: ['jetstream'],
    keptBy: streams.kahaEvents,
    pulledBy: streams.kahaEventsDurable,
  },
  // What comes to profiles by webhook goes the way of all events of kaha-main-v3.
  { subject: 'kaha.user.profile.updated', publish: ['profiles'], subscribe: ['jetstream'] },
  { subject: 'kaha.business.profile.updated', publish: ['profiles'], subscribe: ['jetstream'] },

  // Only routers make, delete and look at device queues, and hear of it when others do.
  { subject: `${API}.CONSUMER.DURABLE.CREATE.>`, publish: ['router'], subscribe: ['jetstream'] },
  { subject: `${API}.CONSUMER.DELETE.>`, publish: ['router'], subscribe: ['jetstream'] },
  { subject: `${API}.CONSUMER.INFO.>`, publish: ['router'], subscribe: ['jetstream'] },
  { subject: `${API}.CONSUMER.NAMES.>`, publish: ['router'], subscribe: ['jetstream'] },
  { subject: `${API}.STREAM.INFO.*`, publish: ['router'], subscribe: ['jetstream'] },
  { subject: `${ADVISORY}.CREATED.>`, publish: ['jetstream'], subscribe: ['router'] },
  { subject: `${ADVISORY}.DELETED.>`, publish: ['jetstream'], subscribe: ['router'] },
  { subject: `${API}.>`, publish: ['setup'], subscribe: ['jetstream'] },
];

/** Lists the subjects that a stream keeps. */
export function subjectsOf(stream: string): string[] {
  return TRAFFIC.filter(({ keptBy }) => keptBy === stream).map(({ subject }) => subject);
}

/** Lists the streams that services pull from, each with the durable of its service. */
export function pulledStreams(): { stream: string; durable: NatsUserKind }[] {
  return TRAFFIC.flatMap(({ keptBy, pulledBy }) =>
    keptBy === undefined || pulledBy === undefined ? [] : { stream: keptBy, durable: pulledBy },
  );
}

/**
 * Makes the rows of a service's requests. The service subscribes to one pattern for all of them.
 */
function requests<Ops>(service: NatsUserKind, askers: Askers<Ops>): Row[] {
  const requestsAs = `rpc.${service}.>`;
  return Object.entries<readonly NatsUserKind[]>(askers).map(([operation, publish]) => {
    return { subject: `rpc.${service}.${operation}`, publish, subscribe: [service], requestsAs };
  });
}
