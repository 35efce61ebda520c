import { JETSTREAM_ACK_PREFIX, jetStreamApi } from './subjects.ts';
import { type NatsUserKind, pulledStreams, TRAFFIC, USER_KINDS } from './traffic.ts';

const REPLIES = 'replies';

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

/** Returns the NATS user of an instance: `router-2` runs as `router`, each edge as its own user. */
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
  const acknowledges = said.some(({ subject }) => subject === `${JETSTREAM_ACK_PREFIX}>`);
  const publish = [...said.map(({ subject }) => subject), ...pullsOf(kind), ...answersOf(kind)];
  const subscribe = new Set(heard.map(({ subject, requestsAs }) => requestsAs ?? subject));
  subscribe.add(`${inboxPrefix(natsUser)}.>`);
  if (asks) subscribe.add(`${repliesPrefix(natsUser)}.>`);
  const denied = pulledStreams().map(({ stream }) => `${JETSTREAM_ACK_PREFIX}${stream}.>`);
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

/** A service that pulls from streams asks and acknowledges to JetStream on these subjects. */
function pullsOf(kind: NatsUserKind): string[] {
  const pulled = pulledStreams().filter(({ durable }) => durable === kind);
  return pulled.flatMap(({ stream, durable }) => [
    jetStreamApi(`CONSUMER.INFO.${stream}.${durable}`),
    jetStreamApi(`CONSUMER.MSG.NEXT.${stream}.${durable}`),
    `${JETSTREAM_ACK_PREFIX}${stream}.${durable}.>`,
  ]);
}

/** Returns the kind of a NATS user: `edge-7` → `edge`. */
export function kindOf(natsUser: string): NatsUserKind {
  const name = natsUser.startsWith('edge-') ? 'edge' : natsUser;
  const kind = USER_KINDS.find((one) => one === name);
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
