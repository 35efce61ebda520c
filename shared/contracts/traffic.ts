import type { ProfileOps } from './profile-ops.ts';
import type { StoreOps } from './store-ops.ts';
import { consumerAdvisory, jetStreamAcks, jetStreamApi, streams, subjects } from './subjects.ts';

/**
 * Each service has a NATS user of its kind. `kaha` is kaha-main-v3, `setup` makes the streams, and
 * each consumer of the feed is a user of the kind `feed`, but for push, which may ask for more.
 */
export const USER_KINDS = [
  'edge',
  'router',
  'store',
  'profiles',
  'retention',
  'push',
  'feed',
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
  /** The `*` is the name of a user's consumer, and each user may use the subjects of its own. */
  isOwn?: true;
  /** Users of these kinds pull from the stream, each by durables of its own. */
  pulledBy?: readonly NatsUserKind[];
};

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
  'outbox.missed': ['router'],
  'contacts.shared': ['edge'],
  'contacts.list': ['profiles'],
  'users.export': ['edge'],
  'events.between': ['feed', 'push'],
  'events.prune': ['retention'],
  'devices.seen': ['edge'],
  'devices.of': ['router'],
  'devices.list': ['edge'],
  'devices.sign_out': ['router'],
  'devices.signed_out': ['router'],
  'devices.prune': ['retention'],
  'push.register': ['edge'],
  'push.unregister': ['edge'],
  'push.facts': ['push'],
  'push.badges': ['push'],
  'push.settle': ['push'],
  'partitions.ensure': ['retention'],
  'retention.expire': ['retention'],
  'retention.drop': ['retention'],
  'revisions.prune': ['retention'],
  'steps.prune': ['retention'],
  'businesses.get': ['edge'],
  'businesses.agents': ['edge'],
  'businesses.openings': ['edge'],
  'inbox.list': ['edge'],
  'inbox.head': ['edge'],
  'inbox.newest': ['edge'],
  'assignment.claim': ['router'],
  'assignment.read': ['router'],
  'assignment.done': ['router'],
  'assignment.sweep': ['router'],
  'assignment.finds': ['router'],
  'users.erase': ['router'],
  'conversations.erase_content': ['router'],
  'users.erased': ['edge'],
  'users.is_erased': ['router'],
  'jobs.get': ['edge'],
  'jobs.claim': ['router'],
  'jobs.step': ['router'],
  'jobs.problem': ['router'],
  'businesses.set_settings': ['router'],
  'businesses.set_agents': ['router'],
  'businesses.set_agent': ['router'],
  'businesses.remove_agent': ['router'],
  'businesses.set_status': ['router'],
  'agents.presence': ['router'],
};

const PROFILES_ASKERS: Askers<ProfileOps> = { get: ['edge', 'push'] };

/**
 * The one table of what NATS carries: who publishes, who subscribes, and which stream keeps it. The
 * permissions of each NATS user and the subjects of each stream are derived from it, so a service
 * may say and hear exactly what stands here. `permissions.ts` says where answers come.
 */
export const TRAFFIC: readonly Row[] = [
  {
    subject: subjects.router('*'),
    publish: ['edge'],
    subscribe: ['router'],
    requestsAs: subjects.router('*'),
  },
  ...requests('store', STORE_ASKERS),
  ...requests('profiles', PROFILES_ASKERS),

  // Live events and signals, which nobody keeps.
  { subject: subjects.user('*'), publish: ['edge', 'router', 'profiles'], subscribe: ['edge'] },
  { subject: subjects.presence('*'), publish: ['edge'], subscribe: ['edge'] },
  { subject: subjects.business('*'), publish: ['router'], subscribe: ['edge'] },
  { subject: subjects.erased, publish: ['router'], subscribe: ['edge'] },
  { subject: subjects.routerWho, publish: ['edge'], subscribe: ['router'] },
  { subject: subjects.routerAlive, publish: ['router'], subscribe: ['edge'] },
  { subject: subjects.routerLeaving, publish: ['router'], subscribe: ['edge'] },
  { subject: subjects.membershipChanged, publish: ['router'], subscribe: ['router'] },
  { subject: subjects.queuesMade, publish: ['router'], subscribe: ['router'] },
  { subject: subjects.queuesHeld, publish: ['router'], subscribe: ['router'] },
  { subject: subjects.queuesTails, publish: ['router'], subscribe: ['router'] },
  { subject: subjects.profilesChanged, publish: ['profiles'], subscribe: ['profiles'] },

  // A router offers durable events to devices, and the edges that hold the devices answer.
  { subject: subjects.device('*', '*'), publish: ['router'], subscribe: ['edge'] },
  { subject: subjects.answers('>'), publish: ['edge'], subscribe: ['router'] },

  // Streams keep these. Device queues deliver to edges, which acknowledge to JetStream.
  {
    subject: streams.queueSubjects('*'),
    publish: ['router'],
    subscribe: ['jetstream'],
    keptBy: streams.queue('*'),
  },
  { subject: subjects.deliver('*', '*'), publish: ['jetstream'], subscribe: ['edge'] },
  { subject: jetStreamAcks(), publish: ['edge'], subscribe: ['jetstream'] },
  {
    subject: subjects.receipts('*'),
    publish: ['router'],
    subscribe: ['jetstream'],
    keptBy: streams.receipts,
    pulledBy: [streams.receiptsDurable],
  },
  {
    subject: subjects.events('*'),
    publish: ['router'],
    subscribe: ['jetstream'],
    keptBy: streams.events,
    pulledBy: ['feed', 'push'],
  },
  {
    subject: subjects.bookmarks('*'),
    publish: ['feed', 'push'],
    subscribe: ['jetstream'],
    keptBy: streams.bookmarks,
    isOwn: true,
  },
  {
    subject: jetStreamApi(`DIRECT.GET.${streams.bookmarks}.${subjects.bookmarks('*')}`),
    publish: ['feed', 'push'],
    subscribe: ['jetstream'],
    isOwn: true,
  },
  {
    subject: subjects.erasures,
    publish: ['store'],
    subscribe: ['jetstream'],
    keptBy: streams.erasures,
  },
  {
    subject: jetStreamApi(`STREAM.INFO.${streams.erasures}`),
    publish: ['store'],
    subscribe: ['jetstream'],
  },
  {
    subject: jetStreamApi(`DIRECT.GET.${streams.erasures}`),
    publish: ['store'],
    subscribe: ['jetstream'],
  },
  {
    subject: streams.kahaEventsSubjects,
    publish: ['kaha'],
    subscribe: ['jetstream'],
    keptBy: streams.kahaEvents,
    pulledBy: [streams.kahaEventsDurable],
  },
  // What comes to profiles by webhook goes the way of all events of kaha-main-v3.
  { subject: subjects.userProfileUpdated, publish: ['profiles'], subscribe: ['jetstream'] },
  { subject: subjects.businessProfileUpdated, publish: ['profiles'], subscribe: ['jetstream'] },

  // Only routers make, delete and look at device queues, and hear of it when others do.
  {
    subject: jetStreamApi('CONSUMER.DURABLE.CREATE.>'),
    publish: ['router'],
    subscribe: ['jetstream'],
  },
  { subject: jetStreamApi('CONSUMER.DELETE.>'), publish: ['router'], subscribe: ['jetstream'] },
  { subject: jetStreamApi('CONSUMER.INFO.>'), publish: ['router'], subscribe: ['jetstream'] },
  { subject: jetStreamApi('CONSUMER.NAMES.>'), publish: ['router'], subscribe: ['jetstream'] },
  { subject: jetStreamApi('CONSUMER.LIST.*'), publish: ['router'], subscribe: ['jetstream'] },
  { subject: jetStreamApi('STREAM.INFO.*'), publish: ['router'], subscribe: ['jetstream'] },
  { subject: consumerAdvisory('CREATED'), publish: ['jetstream'], subscribe: ['router'] },
  { subject: consumerAdvisory('DELETED'), publish: ['jetstream'], subscribe: ['router'] },

  // The set-up user makes streams and consumers. A person watches the feed as this user.
  { subject: jetStreamApi('>'), publish: ['setup'], subscribe: ['jetstream'] },
  { subject: jetStreamAcks(streams.events), publish: ['setup'], subscribe: ['jetstream'] },
];

/** Lists the subjects that a stream keeps. */
export function subjectsOf(stream: string): string[] {
  return TRAFFIC.filter(({ keptBy }) => keptBy === stream).map(({ subject }) => subject);
}

/** Lists the streams that services pull from, once for each kind of user that does. */
export function pulledStreams(): { stream: string; pulledBy: NatsUserKind }[] {
  return TRAFFIC.flatMap(({ keptBy, pulledBy = [] }) =>
    keptBy === undefined ? [] : pulledBy.map((kind) => ({ stream: keptBy, pulledBy: kind })),
  );
}

/**
 * Makes the rows of a service's requests. The service subscribes to one pattern for all of them.
 */
function requests<Ops>(service: 'store' | 'profiles', askers: Askers<Ops>): Row[] {
  const subjectOf = subjects[service];
  const requestsAs = subjectOf('>');
  return Object.entries<readonly NatsUserKind[]>(askers).map(([operation, publish]) => {
    return { subject: subjectOf(operation), publish, subscribe: [service], requestsAs };
  });
}
