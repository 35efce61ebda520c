import { JETSTREAM_ACK_PREFIX, streams } from './subjects.ts';

export type NatsUserKind =
  | 'edge'
  | 'router'
  | 'store'
  | 'profiles'
  | 'retention'
  | 'kaha'
  | 'setup';

type Permissions = {
  publish: string[];
  publishDeny?: string[];
  subscribe: string[];
};

/**
 * What NATS and JetStream answer comes here. One prefix per NATS user: no edge can read another's
 * replies.
 */
export function inboxPrefix(natsUser: string): string {
  return `_INBOX.${natsUser}`;
}

/**
 * What services answer comes here, one prefix per NATS user as well: `<prefix>.<client>.<service>`.
 * A service may answer the kinds of users that ask it, under its own name. `allow_responses`
 * instead keeps an entry per request: where several answers go to one subject that cost the server
 * 0.1 CPU-seconds per 1000 messages.
 */
export function repliesPrefix(natsUser: string): string {
  return `replies.${kindOf(natsUser)}.${natsUser}`;
}

function answersOf(service: NatsUserKind, ...askers: NatsUserKind[]): string[] {
  return askers.map((kind) => `replies.${kind}.*.*.${service}`);
}

/** `router-2` runs as user `router`; every edge has a user of its own. */
export function natsUserOf(instance: string): string {
  return instance.startsWith('edge-') ? instance : instance.replace(/-\d+$/, '');
}

const CONSUMER_API = '$JS.API.CONSUMER';
const STREAM_API = '$JS.API.STREAM';

/** What each service may say and hear: exactly what it needs. Only router makes consumers. */
export const PERMISSIONS: Record<NatsUserKind, (natsUser: string) => Permissions> = {
  edge: (natsUser) => ({
    publish: [
      'rpc.router.*',
      'rpc.store.messages.history',
      'rpc.store.messages.undelivered',
      'rpc.store.messages.get',
      'rpc.store.messages.locate',
      'rpc.store.conversations.get',
      'rpc.store.conversations.list',
      'rpc.store.contacts.shared',
      'rpc.profiles.get',
      'router.who',
      'user.*',
      'presence.*',
      `${JETSTREAM_ACK_PREFIX}>`,
      'answers.>',
    ],
    publishDeny: [streams.receipts, streams.push, streams.kahaEvents].map(
      (stream) => `${JETSTREAM_ACK_PREFIX}${stream}.>`,
    ),
    subscribe: [
      'deliver.*.*',
      'device.*.*',
      'user.*',
      'presence.*',
      'router.alive',
      'router.leaving',
      `${inboxPrefix(natsUser)}.>`,
      `${repliesPrefix(natsUser)}.>`,
    ],
  }),
  router: (natsUser) => ({
    publish: [
      'inbox.*.*',
      'device.*.*',
      'user.*',
      'receipts.*',
      'router.alive',
      'router.leaving',
      'membership.changed',
      'queue.made',
      ...answersOf('router', 'edge'),
      'rpc.store.messages.append',
      'rpc.store.messages.edit',
      'rpc.store.messages.delete',
      'rpc.store.messages.react',
      'rpc.store.conversations.create',
      'rpc.store.conversations.change',
      'rpc.store.conversations.participants',
      'rpc.store.positions.*',
      'rpc.store.outbox.*',
      `${CONSUMER_API}.DURABLE.CREATE.>`,
      `${CONSUMER_API}.DELETE.>`,
      `${CONSUMER_API}.INFO.>`,
      `${CONSUMER_API}.NAMES.>`,
      `${STREAM_API}.INFO.*`,
    ],
    subscribe: [
      'rpc.router.*',
      'router.who',
      'membership.changed',
      'queue.made',
      'answers.>',
      '$JS.EVENT.ADVISORY.CONSUMER.CREATED.>',
      '$JS.EVENT.ADVISORY.CONSUMER.DELETED.>',
      `${inboxPrefix(natsUser)}.>`,
      `${repliesPrefix(natsUser)}.>`,
    ],
  }),
  store: (natsUser) => ({
    publish: [
      ...pullOf(streams.receipts, streams.receiptsDurable),
      ...answersOf('store', 'edge', 'router', 'profiles', 'retention'),
    ],
    subscribe: ['rpc.store.>', `${inboxPrefix(natsUser)}.>`],
  }),
  profiles: (natsUser) => ({
    publish: [
      'user.*',
      'profiles.changed',
      'rpc.store.contacts.list',
      // What comes by webhook goes the way of all events.
      'kaha.user.profile.updated',
      'kaha.business.profile.updated',
      ...pullOf(streams.kahaEvents, streams.kahaEventsDurable),
      ...answersOf('profiles', 'edge'),
    ],
    subscribe: [
      'rpc.profiles.>',
      'profiles.changed',
      `${inboxPrefix(natsUser)}.>`,
      `${repliesPrefix(natsUser)}.>`,
    ],
  }),
  retention: (natsUser) => ({
    publish: ['rpc.store.partitions.ensure'],
    subscribe: [`${inboxPrefix(natsUser)}.>`, `${repliesPrefix(natsUser)}.>`],
  }),
  kaha: (natsUser) => ({
    publish: ['kaha.>'],
    subscribe: [`${inboxPrefix(natsUser)}.>`],
  }),
  setup: (natsUser) => ({
    publish: ['$JS.API.>'],
    subscribe: [`${inboxPrefix(natsUser)}.>`],
  }),
};

function pullOf(stream: string, durable: string): string[] {
  return [
    `${CONSUMER_API}.INFO.${stream}.${durable}`,
    `${CONSUMER_API}.MSG.NEXT.${stream}.${durable}`,
    `${JETSTREAM_ACK_PREFIX}${stream}.${durable}.>`,
  ];
}

/** The kind of a NATS user: `edge-7` → `edge`. */
export function kindOf(natsUser: string): NatsUserKind {
  const kind = natsUser.startsWith('edge-') ? 'edge' : natsUser;
  if (kind in PERMISSIONS) return kind as NatsUserKind;
  throw new Error(`no permissions for NATS user ${natsUser}`);
}

/**
 * The `authorization` block of a NATS server: one nkey user per entry of `publicKeys`
 * (NATS user name → public nkey `U…`).
 */
export function renderNatsAuth(publicKeys: Readonly<Record<string, string>>): string {
  const users = Object.entries(publicKeys).map(([natsUser, nkey]) => {
    const allowed = PERMISSIONS[kindOf(natsUser)](natsUser);
    const deny = allowed.publishDeny ? `, deny: ${JSON.stringify(allowed.publishDeny)}` : '';
    const lines = [
      `    # ${natsUser}`,
      `    { nkey: ${nkey}, permissions: {`,
      `      publish: { allow: ${JSON.stringify(allowed.publish)}${deny} }`,
      `      subscribe: { allow: ${JSON.stringify(allowed.subscribe)} }`,
      '    } }',
    ];
    return lines.join('\n');
  });
  return `authorization {\n  users: [\n${users.join('\n')}\n  ]\n}\n`;
}
