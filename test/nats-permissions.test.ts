import t from 'tap';
import { startNats } from '../dev/testing/test-servers.ts';
import { kindOf } from '../shared/contracts/permissions.ts';
import { type NatsUserKind, TRAFFIC, USER_KINDS } from '../shared/contracts/traffic.ts';
import { newId } from '../shared/ids.ts';
import { probeNats } from './stage/nats-probe.ts';

/**
 * The tests check what each NATS user may publish and subscribe to on a server with the real
 * configuration and the real seeds. The expected rights stand here a second time, by hand, because
 * a table that is tested against itself proves nothing.
 */
const nats = await startNats();
t.teardown(() => nats.stop());
const port = Number(new URL(nats.url).port);

const USER = newId<string>();
const BUSINESS = `business.${newId<string>()}`;
const DELIVER = `deliver.${USER}.phone`;
const DEVICE = `device.${USER}.phone`;
const ACK_QUEUE = `$JS.ACK.QUEUE_3.${USER}_phone.1.2.3.4.5`;
const ACK_RECEIPTS = '$JS.ACK.RECEIPTS.store.1.2.3.4.5';
const ACK_KAHA = '$JS.ACK.KAHA_EVENTS.profiles.1.2.3.4.5';
const ackFeed = (consumer: string): string => `$JS.ACK.EVENTS.${consumer}.1.2.3.4.5`;

type OneUser = Exclude<NatsUserKind, 'edge' | 'feed'>;
/** Each edge and each consumer of the feed has its own user; instances of other kinds share one. */
const NAMED = { edge: ['edge-1', 'edge-2'], feed: ['feed-one', 'feed-two'] } as const;
const USERS = USER_KINDS.flatMap((kind) => NAMED[kind as keyof typeof NAMED] ?? [kind]);

/**
 * Each operation that services ask for is a row of the table, so a new operation is tried too. Who
 * may ask for it stands below by hand.
 */
const OPERATIONS = TRAFFIC.filter(({ requestsAs, subject }) => {
  return requestsAs !== undefined && !subject.includes('*');
}).map(({ subject }) => subject);

/** The list has every kind of subject that exists, and some that nobody should know. */
const SUBJECTS = [
  ...[...OPERATIONS, 'rpc.router.router-1', 'rpc.store.retention.delete', 'profiles.changed'],
  ...['rpc.store.outbox.nothing', 'rpc.store.positions.nothing'],
  'users.erased',
  ...['membership.changed', 'queues.made', 'queues.held', 'queues.tails', DEVICE],
  ...[`queue.3.${USER}.phone`, DELIVER, `user.${USER}`, `presence.${USER}`, 'receipts.router-1'],
  BUSINESS,
  ...['events.router-1', 'bookmarks.one', 'bookmarks.two', 'bookmarks.push0', 'erasures'],
  ...['$JS.API.STREAM.INFO.ERASURES', '$JS.API.DIRECT.GET.ERASURES'],
  ...[`push.${USER}`, 'kaha.user.profile.updated', 'kaha.business.profile.updated'],
  ...['router.alive', 'router.who', 'router.leaving', 'answers.router-1.7'],
  ...[
    ACK_QUEUE,
    ACK_RECEIPTS,
    ACK_KAHA,
    ackFeed('one'),
    ackFeed('two'),
    ackFeed('watch-1'),
    ackFeed('push7'),
  ],
  ...['$JS.API.INFO', '$JS.API.STREAM.CREATE.X', '$JS.API.STREAM.DELETE.QUEUE_3'],
  ...['$JS.API.STREAM.PURGE.QUEUE_3', '$JS.API.STREAM.UPDATE.QUEUE_3', '$JS.API.STREAM.NAMES'],
  ...[
    '$JS.API.STREAM.INFO.QUEUE_3',
    '$JS.API.STREAM.INFO.RECEIPTS',
    '$JS.API.STREAM.INFO.KAHA_EVENTS',
  ],
  ...['$JS.API.STREAM.MSG.GET.QUEUE_3', '$JS.API.STREAM.MSG.DELETE.QUEUE_3'],
  ...['$JS.API.DIRECT.GET.QUEUE_3', '$JS.API.CONSUMER.CREATE.QUEUE_3'],
  ...['$JS.API.CONSUMER.CREATE.QUEUE_3.x.y', '$JS.API.CONSUMER.DURABLE.CREATE.QUEUE_3.x'],
  ...['$JS.API.CONSUMER.DELETE.QUEUE_3.x', '$JS.API.CONSUMER.INFO.QUEUE_3.x'],
  ...['$JS.API.CONSUMER.NAMES.QUEUE_3', '$JS.API.CONSUMER.LIST.QUEUE_3'],
  ...['$JS.API.CONSUMER.MSG.NEXT.QUEUE_3.x', '$JS.API.CONSUMER.MSG.NEXT.RECEIPTS.store'],
  ...['$JS.API.CONSUMER.INFO.RECEIPTS.store', '$JS.API.CONSUMER.MSG.NEXT.KAHA_EVENTS.profiles'],
  ...['$JS.API.CONSUMER.INFO.KAHA_EVENTS.profiles', '$JS.FC.QUEUE_3.x.y'],
  ...['one', 'two', 'watch-1', 'push7', 'push8'].flatMap((consumer) =>
    consumerOf('EVENTS', consumer),
  ),
  ...['$JS.API.CONSUMER.DURABLE.CREATE.EVENTS.one', '$JS.API.CONSUMER.DELETE.EVENTS.one'],
  ...['one', 'two', 'push0'].map((name) => `$JS.API.DIRECT.GET.FEED_BOOKMARKS.bookmarks.${name}`),
  ...['$JS.API.STREAM.MSG.GET.FEED_BOOKMARKS', '$JS.API.DIRECT.GET.FEED_BOOKMARKS'],
  ...['$JS.API.STREAM.INFO.EVENTS', '$JS.API.STREAM.MSG.GET.EVENTS'],
  ...[...USERS.map((user) => `_INBOX.${user}.a`), '_INBOX.a', '_R_.a'],
  ...USERS.map((user) => `${kindOf(user)}.${user}`).flatMap((user) =>
    ['1-2', ...USER_KINDS].map((last) => `replies.${user}.a.${last}`),
  ),
  ...[
    '$JS.EVENT.ADVISORY.CONSUMER.CREATED.QUEUE_3.x',
    '$JS.EVENT.ADVISORY.CONSUMER.DELETED.QUEUE_3.x',
  ],
  ...['$JS.EVENT.ADVISORY.API', '$SYS.REQ.SERVER.PING', '$SYS.ACCOUNT.A.CONNECT', 'anything'],
];

type Rights = { publish: string[]; subscribe: string[] };

function consumerOf(stream: string, durable: string): string[] {
  const requests = [`CONSUMER.INFO.${stream}.${durable}`, `CONSUMER.MSG.NEXT.${stream}.${durable}`];
  return requests.map((request) => `$JS.API.${request}`);
}

const edge = (name: string): Rights => ({
  publish: [
    ...['rpc.router.router-1', 'rpc.store.messages.history', 'rpc.store.messages.undelivered'],
    ...['rpc.store.messages.get', 'rpc.store.messages.locate', 'rpc.store.contacts.shared'],
    ...['rpc.store.conversations.get', 'rpc.store.conversations.list'],
    ...['rpc.store.businesses.get', 'rpc.store.businesses.agents'],
    ...[
      'rpc.store.businesses.openings',
      'rpc.store.inbox.list',
      'rpc.store.inbox.newest',
      'rpc.store.inbox.head',
    ],
    ...['rpc.profiles.get', 'router.who', `user.${USER}`, `presence.${USER}`],
    ...['rpc.store.devices.seen', 'rpc.store.users.export'],
    ...['rpc.store.devices.list'],
    ...['rpc.store.push.register', 'rpc.store.push.unregister'],
    ...['rpc.store.users.erased', 'rpc.store.jobs.get'],
    ...[ACK_QUEUE, 'answers.router-1.7'],
  ],
  subscribe: [
    ...[DELIVER, DEVICE, `user.${USER}`, `presence.${USER}`, 'router.alive', 'router.leaving'],
    ...[BUSINESS, 'users.erased', `_INBOX.${name}.a`, ...repliesOf(name)],
  ],
});

/** Returns the reply subjects on which a service answers these kinds of users. */
const answersOf = (service: string, ...kinds: string[]): string[] =>
  SUBJECTS.filter((one) =>
    kinds.some((kind) => one.startsWith(`replies.${kind}.`) && one.endsWith(`.a.${service}`)),
  );
const repliesOf = (user: string): string[] =>
  SUBJECTS.filter((one) => one.startsWith('replies.') && one.includes(`.${user}.a.`));

const feed = (consumer: string): Rights => ({
  publish: [
    ...[...consumerOf('EVENTS', consumer), ackFeed(consumer), `bookmarks.${consumer}`],
    ...[`$JS.API.DIRECT.GET.FEED_BOOKMARKS.bookmarks.${consumer}`, 'rpc.store.events.between'],
  ],
  subscribe: [`_INBOX.feed-${consumer}.a`, ...repliesOf(`feed-${consumer}`)],
});

const ALLOWED: Record<OneUser | (typeof NAMED)[keyof typeof NAMED][number], Rights> = {
  'edge-1': edge('edge-1'),
  'edge-2': edge('edge-2'),
  'feed-one': feed('one'),
  'feed-two': feed('two'),
  router: {
    publish: [
      ...[`queue.3.${USER}.phone`, DEVICE, `user.${USER}`, 'receipts.router-1'],
      ...['queues.made', 'queues.held'],
      ...['events.router-1', BUSINESS, 'queues.tails'],
      ...['router.alive', 'router.leaving', 'membership.changed'],
      ...['rpc.store.messages.append', 'rpc.store.messages.edit', 'rpc.store.messages.delete'],
      ...['rpc.store.messages.react', ...answersOf('router', 'edge')],
      ...['rpc.store.conversations.create', 'rpc.store.conversations.change'],
      ...['rpc.store.conversations.participants', 'rpc.store.businesses.set_settings'],
      ...['rpc.store.businesses.set_agents', 'rpc.store.businesses.set_agent'],
      ...['rpc.store.businesses.remove_agent', 'rpc.store.businesses.set_status'],
      ...['rpc.store.assignment.claim', 'rpc.store.assignment.read', 'rpc.store.assignment.done'],
      ...['rpc.store.assignment.sweep', 'rpc.store.assignment.finds'],
      ...['rpc.store.agents.presence', 'rpc.store.devices.of', 'users.erased'],
      ...['rpc.store.devices.sign_out', 'rpc.store.devices.signed_out'],
      ...['rpc.store.users.erase', 'rpc.store.users.is_erased'],
      'rpc.store.conversations.erase_content',
      ...['rpc.store.jobs.claim', 'rpc.store.jobs.step', 'rpc.store.jobs.problem'],
      ...['rpc.store.positions.read', 'rpc.store.positions.list', 'rpc.store.outbox.claim'],
      ...['rpc.store.outbox.owed', 'rpc.store.outbox.done', 'rpc.store.outbox.missed'],
      ...['$JS.API.CONSUMER.NAMES.QUEUE_3', '$JS.API.CONSUMER.LIST.QUEUE_3'],
      ...SUBJECTS.filter((one) =>
        /^\$JS\.API\.(?:CONSUMER\.(?:DURABLE\.CREATE|DELETE|INFO)|STREAM\.INFO)\./.test(one),
      ),
    ],
    subscribe: [
      ...['rpc.router.router-1', 'router.who', 'answers.router-1.7', '_INBOX.router.a'],
      ...['membership.changed', 'queues.made', 'queues.held', 'queues.tails'],
      ...repliesOf('router'),
      ...SUBJECTS.filter((subject) => subject.startsWith('$JS.EVENT.ADVISORY.CONSUMER.')),
    ],
  },
  store: {
    publish: [
      ...[...consumerOf('RECEIPTS', 'store'), ACK_RECEIPTS, 'erasures'],
      ...['$JS.API.STREAM.INFO.ERASURES', '$JS.API.DIRECT.GET.ERASURES'],
      ...answersOf('store', 'edge', 'router', 'profiles', 'retention', 'feed', 'push'),
    ],
    subscribe: [
      ...SUBJECTS.filter((subject) => subject.startsWith('rpc.store.')),
      '_INBOX.store.a',
    ],
  },
  profiles: {
    publish: [
      ...[...consumerOf('KAHA_EVENTS', 'profiles'), ACK_KAHA, `user.${USER}`],
      ...['rpc.store.contacts.list', 'profiles.changed'],
      ...['kaha.user.profile.updated', 'kaha.business.profile.updated'],
      ...answersOf('profiles', 'edge', 'push'),
    ],
    subscribe: [
      ...['rpc.profiles.get', 'profiles.changed', '_INBOX.profiles.a'],
      ...repliesOf('profiles'),
    ],
  },
  retention: {
    publish: [
      ...['rpc.store.partitions.ensure', 'rpc.store.events.prune', 'rpc.store.devices.prune'],
      ...['rpc.store.retention.expire', 'rpc.store.retention.drop'],
      ...['rpc.store.revisions.prune', 'rpc.store.steps.prune'],
    ],
    subscribe: ['_INBOX.retention.a', ...repliesOf('retention')],
  },
  push: {
    publish: [
      ...[...consumerOf('EVENTS', 'push7'), ackFeed('push7'), 'bookmarks.push0'],
      ...['$JS.API.DIRECT.GET.FEED_BOOKMARKS.bookmarks.push0', 'rpc.store.events.between'],
      ...['rpc.store.push.facts', 'rpc.store.push.badges', 'rpc.store.push.settle'],
      'rpc.profiles.get',
    ],
    subscribe: ['_INBOX.push.a', ...repliesOf('push')],
  },
  kaha: {
    publish: ['kaha.user.profile.updated', 'kaha.business.profile.updated'],
    subscribe: ['_INBOX.kaha.a'],
  },
  setup: {
    publish: SUBJECTS.filter((one) => /^\$JS\.(?:API|ACK\.EVENTS)\./.test(one)),
    subscribe: ['_INBOX.setup.a'],
  },
};

/** No user may subscribe to these wildcards, which would let it hear everybody. */
const WILDCARDS = [
  ...[
    '>',
    '*',
    '*.>',
    'replies.>',
    'replies.edge.>',
    'replies.*.*.*.*',
    'queue.>',
    'queue.*.*.*',
    'deliver.>',
    'rpc.>',
    'receipts.>',
    'events.>',
    'bookmarks.*',
  ],
  ...['kaha.>', 'push.>', '_INBOX.>', '_INBOX.*.*', '$JS.>', '$JS.ACK.>', '$JS.API.>', '$SYS.>'],
];

/** A pattern of the table stands for this subject: `*` is one token, and `>` is all that follow. */
function stands(pattern: string, subject: string): boolean {
  const tokens = subject.split('.');
  const wanted = pattern.split('.');
  if (wanted.at(-1) === '>') tokens.length = Math.min(tokens.length, wanted.length);
  if (tokens.length !== wanted.length) return false;
  return wanted.every((token, index) => ['*', '>', tokens[index]].includes(token));
}

t.test('the list has a subject of each row of the table, and each subject once', async (t) => {
  for (const { subject } of TRAFFIC) {
    t.ok(
      SUBJECTS.some((one) => stands(subject, one)),
      subject,
    );
  }
  t.same(SUBJECTS, [...new Set(SUBJECTS)]);
});

t.test('every right that is expected is of a subject in the list', async (t) => {
  for (const { publish, subscribe } of Object.values(ALLOWED)) {
    t.same(
      [...publish, ...subscribe].filter((one) => !SUBJECTS.includes(one)),
      [],
    );
  }
});

for (const [user, { publish, subscribe }] of Object.entries(ALLOWED)) {
  t.test(`${user} may publish and hear what it needs and nothing else`, async (t) => {
    const probe = await probeNats(port, nats.seeds[user] as string);
    t.teardown(() => probe.close());
    const said: string[] = [];
    const heard: string[] = [];
    for (const subject of SUBJECTS) {
      if (await probe.mayPublish(subject)) said.push(subject);
      if (await probe.maySubscribe(subject)) heard.push(subject);
    }
    t.same(said.sort(), [...publish].sort(), 'publish');
    t.same(heard.sort(), [...subscribe].sort(), 'subscribe');
    const wide: string[] = [];
    for (const subject of WILDCARDS) if (await probe.maySubscribe(subject)) wide.push(subject);
    t.same(wide, [], 'wildcards');
  });
}

t.test('a client without a seed of the server cannot connect', async (t) => {
  const stranger = await startNats();
  t.teardown(() => stranger.stop());
  await t.rejects(probeNats(port, stranger.seeds.setup as string), { message: /Authorization/ });
});
