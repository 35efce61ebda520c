import { randomBytes } from 'node:crypto';
import { until } from '../../dev/testing/until.ts';
import type { Person, System } from '../stage/stack.ts';

/** A push as the stand-in notes it: what the device has after decryption. */
type Noted = {
  provider: 'apns' | 'fcm' | 'webpush';
  device: string;
  key?: string;
  push: Record<string, unknown>;
  at: string;
};
/** A person sees this of a push, whatever provider brought it. */
type SeenPush = {
  at: number;
  title?: string;
  body?: string;
  badge: number;
  thread?: string | undefined;
  data: { conversation_id?: string; message_id?: string; seq?: number };
};
export type PushedDevice = { token: string; provider: Noted['provider'] };
/** A token of the sandbox that is registered as one of production. */
type Provider = Noted['provider'] | 'sandbox';
type Wishes = { content?: 'full' | 'sender' | 'none'; quiet_hours?: Record<string, string> };

const TOPIC = 'example.kaha.chat';
const WAIT_MS = 20_000;

/** Registers devices of people with the stand-ins, and tells what these devices were sent. */
export class Pushes {
  readonly #system: System;
  readonly #control: string;

  constructor(system: System) {
    const { pushes } = system.stack.urls;
    if (pushes === undefined) throw new Error('push does not run');
    this.#system = system;
    this.#control = pushes;
  }

  async device(provider: Provider): Promise<PushedDevice & { registration: object }> {
    if (provider === 'webpush') {
      const subscription = await this.#post<{ endpoint: string }>('/_dev/subscriptions', {});
      const token = subscription.endpoint.split('/').at(-1) as string;
      return { token, provider, registration: { provider, subscription } };
    }
    if (provider === 'fcm') {
      const token = randomBytes(24).toString('base64url');
      return { token, provider, registration: { provider, token } };
    }
    // The stand-in takes a token for one of its sandbox by how it begins.
    const token = `${provider === 'apns' ? 'a0a0' : '5a5a'}${randomBytes(30).toString('hex')}`;
    const registration = { provider: 'apns', token, topic: TOPIC, environment: 'production' };
    return { token, provider: 'apns', registration };
  }

  /** Registers a device of the person, or the given one once more. */
  async register(
    person: Person,
    name: string,
    options: Wishes & { provider?: Provider; device?: PushedDevice } = {},
  ): Promise<PushedDevice> {
    const { provider = 'apns', device, ...wishes } = options;
    const given = device as (PushedDevice & { registration: object }) | undefined;
    const made = given ?? (await this.device(provider));
    const body = { content: 'full', ...made.registration, ...wishes };
    const answer = await this.#system.rest('PUT', `/api/v1/devices/${name}/push`, {
      ...{ token: person.token, body },
    });
    if (answer.status !== 204) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
    return made;
  }

  /** Returns what the device was sent, the oldest first. */
  async of({ token }: PushedDevice): Promise<SeenPush[]> {
    const response = await fetch(`${this.#control}/_dev/pushes?device=${token}`);
    const { pushes } = (await response.json()) as { pushes: Noted[] };
    return pushes.map(seen);
  }

  /** Waits until the device was sent so many pushes, and returns them. */
  async next(device: PushedDevice, count = 1, waitMs = WAIT_MS): Promise<SeenPush[]> {
    return until(
      `${count} pushes`,
      async () => {
        const pushes = await this.of(device);
        return pushes.length >= count && pushes;
      },
      waitMs,
    );
  }

  async control(change: Record<string, unknown>): Promise<void> {
    await this.#post('/_control', change);
  }

  async #post<Answer>(path: string, body: object): Promise<Answer> {
    const request = { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(`${this.#control}${path}`, request);
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as Answer;
  }
}

type Aps = { alert?: { title?: string; body: string }; badge: number; 'thread-id'?: string };
type Fcm = {
  notification?: { title?: string; body: string };
  data: Record<string, string>;
  android: { notification?: { tag: string } };
};

function seen({ provider, key, push, at }: Noted): SeenPush {
  const atMs = Date.parse(at);
  if (provider === 'apns') {
    const { aps, ...data } = push as unknown as { aps: Aps } & SeenPush['data'];
    return { at: atMs, ...aps.alert, badge: aps.badge, thread: aps['thread-id'], data };
  }
  if (provider === 'fcm') {
    const { notification, data, android } = push as unknown as Fcm;
    const { badge, seq, ...ids } = data;
    const place = seq === undefined ? {} : { ...ids, seq: Number(seq) };
    const thread = android.notification?.tag;
    return { at: atMs, ...notification, badge: Number(badge), thread, data: place };
  }
  const { tag, ...shown } = push as unknown as Omit<SeenPush, 'at'> & { tag: string };
  return { at: atMs, ...shown, thread: key ?? tag };
}
