import { jetStreamAcks, jetStreamApi, PUSH_SHARES_MAX, streams } from './subjects.ts';
import { type NatsUserKind, pulledStreams, TRAFFIC, USER_KINDS } from './traffic.ts';

const REPLIES = 'replies';
/** Each user of these kinds has a name of its own behind the kind: `edge-7`, `feed-hooks`. */
const NAMED_KINDS: readonly NatsUserKind[] = ['edge', 'feed'];
/** The name begins with a letter, because `-2` behind the name of a user counts its instances. */
export const FEED_CONSUMER_NAME = /^[a-z][a-z0-9]{0,31}$/;

type Permissions = {
  publish: string[];
  publishDeny?: string[];
  subscribe: string[];
};

/**
 * NATS and JetStream answer below this prefix. Each NATS user has a prefix of its own, so that no
 * edge can read another's replies.
 */
export function inboxPrefix(natsUser: string): string {
  return `_INBOX.${natsUser}`;
}

/**
 * Services answer below this prefix on `<prefix>.<client>.<service>`; each NATS user has a prefix
 * of its own here as well. A service may answer the kinds of users that ask it, under its own name.
 * With `allow_responses` instead, the server would keep an entry per request. Where several answers
 * go to one subject, that cost the server 0.1 CPU-seconds per 1000 messages.
 */
export function repliesPrefix(natsUser: string): string {
  return `${REPLIES}.${kindOf(natsUser)}.${natsUser}`;
}

/**
 * Returns the NATS user of an instance. `router-2` runs as `router` and `feed-hooks-2` as
 * `feed-hooks`; each edge has its own user.
 */
export function natsUserOf(instance: string): string {
  return instance.startsWith('edge-') ? instance : instance.replace(/-\d+$/, '');
}

/**
 * Derives from the table what a NATS user may say and hear, which is exactly what it needs. A user
 * that acknowledges what JetStream delivers may not do so on the streams that others pull from.
 */
function permissionsOf(natsUser: string): Permissions {
  const kind = kindOf(natsUser);
  const said = TRAFFIC.filter(({ publish }) => publish.includes(kind));
  const heard = TRAFFIC.filter(({ subscribe }) => subscribe.includes(kind));
  const asks = said.some(({ requestsAs }) => requestsAs !== undefined);
  const acknowledges = said.some(({ subject }) => subject === jetStreamAcks());
  const subjects = said.flatMap(({ subject, isOwn }) =>
    isOwn ? consumersOf(natsUser).map((consumer) => subject.replace('*', consumer)) : subject,
  );
  const publish = [...subjects, ...pullsOf(natsUser), ...answersOf(kind)];
  const subscribe = new Set(heard.map(({ subject, requestsAs }) => requestsAs ?? subject));
  subscribe.add(`${inboxPrefix(natsUser)}.>`);
  if (asks) subscribe.add(`${repliesPrefix(natsUser)}.>`);
  const denied = pulledStreams().map(({ stream }) => jetStreamAcks(stream));
  return { publish, subscribe: [...subscribe], ...(acknowledges && { publishDeny: denied }) };
}

/** A service answers the kinds of users that ask it on these subjects, under its own name. */
function answersOf(service: NatsUserKind): string[] {
  const answered = TRAFFIC.filter(({ requestsAs, subscribe }) => {
    return requestsAs !== undefined && subscribe.includes(service);
  });
  const askers = new Set(answered.flatMap(({ publish }) => publish));
  return [...askers].map((kind) => `${REPLIES}.${kind}.*.*.${service}`);
}

/** A user that pulls from streams asks and acknowledges to JetStream on these subjects. */
function pullsOf(natsUser: string): string[] {
  const kind = kindOf(natsUser);
  const pulled = pulledStreams().filter(({ pulledBy }) => pulledBy === kind);
  return pulled.flatMap(({ stream }) =>
    consumersOf(natsUser).flatMap((consumer) => [
      jetStreamApi(`CONSUMER.INFO.${stream}.${consumer}`),
      jetStreamApi(`CONSUMER.MSG.NEXT.${stream}.${consumer}`),
      jetStreamAcks(stream, consumer),
    ]),
  );
}

/**
 * Returns the names of the durables by which a NATS user pulls from a stream: `store` → `store`,
 * `feed-hooks` → `hooks`, and those of all shares for `push`.
 */
function consumersOf(natsUser: string): string[] {
  const kind = kindOf(natsUser);
  if (kind === 'push')
    return Array.from({ length: PUSH_SHARES_MAX }, (_, n) => streams.pushConsumer(n));
  return [NAMED_KINDS.includes(kind) ? natsUser.slice(kind.length + 1) : natsUser];
}

/** Returns the kind of a NATS user: `edge-7` → `edge`. */
export function kindOf(natsUser: string): NatsUserKind {
  const kind = USER_KINDS.find((one) =>
    NAMED_KINDS.includes(one) ? natsUser.startsWith(`${one}-`) : natsUser === one,
  );
  if (kind === undefined) throw new Error(`no permissions for NATS user ${natsUser}`);
  return kind;
}

/**
 * Renders the `authorization` block of a NATS server. Each entry of `publicKeys` (NATS user name →
 * public nkey `U…`) becomes one nkey user.
 */
export function renderNatsAuth(publicKeys: Readonly<Record<string, string>>): string {
  const users = Object.entries(publicKeys).map(([natsUser, nkey]) => {
    const allowed = permissionsOf(natsUser);
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
