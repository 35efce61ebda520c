import type { LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import { failureOf } from '../failure-of.ts';
import type { PushAnswer, PushProvider, WebPushRegistration } from '../provider.ts';
import { encrypt } from './encrypt.ts';
import { ForbiddenAddressError, guardedConnect } from './guarded-connect.ts';
import { Vapid, type VapidKeys } from './vapid.ts';
import { webPushAnswer } from './webpush-answer.ts';
import { webPushMessage } from './webpush-message.ts';

type WebPushOptions = {
  keys: VapidKeys;
  /** In development, an endpoint may be anywhere and without TLS. */
  endpoints: 'public' | 'any';
  ca?: string | undefined;
  /** So many connections to one origin are kept. */
  connectionsMax: number;
  tryMs: number;
  now: () => number;
  wallMs: () => number;
  lookup?: LookupFunction;
};

/** Where TLS is needed, the connection demands it. */
const PROTOCOL = /^https?:$/;
const ANSWER_BYTES_MAX = 16 * 1024;
const HEADER_BYTES_MAX = 16 * 1024;
/** A connection that nobody used for so long is closed. */
const IDLE_MS = 30_000;

/** Speaks the protocol of push services, whose addresses are the registrations themselves. */
export function createWebPushProvider(options: WebPushOptions): PushProvider<WebPushRegistration> {
  const { connectionsMax, tryMs, now, wallMs } = options;
  const vapid = new Vapid(options.keys, { now, wallMs });
  const dispatcher = new Agent({
    connections: connectionsMax,
    maxResponseSize: ANSWER_BYTES_MAX,
    maxHeaderSize: HEADER_BYTES_MAX,
    keepAliveTimeout: IDLE_MS,
    connect: guardedConnect(options),
  });
  const post = async (url: URL, message: { headers: object; body: Buffer }) => {
    const authorization = await vapid.headerFor(url.origin);
    const { statusCode, headers, body } = await request(url, {
      ...{ method: 'POST', dispatcher, signal: AbortSignal.timeout(tryMs), body: message.body },
      headers: { ...message.headers, authorization },
    });
    await body.dump({ limit: ANSWER_BYTES_MAX });
    const retryAfter = headers['retry-after'];
    return {
      status: statusCode,
      retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
    };
  };
  return {
    hostOf: ({ subscription }) => URL.parse(subscription.endpoint)?.origin ?? '',
    async send({ subscription: { endpoint, keys } }, push) {
      const url = URL.parse(endpoint);
      if (url === null || !PROTOCOL.test(url.protocol)) return REFUSED;
      if (push.push.kind === 'badge') return { kind: 'refused', reason: 'badge' };
      const message = webPushMessage(push, wallMs());
      if (message === undefined) return { kind: 'too_large' };
      const body = encryptFor(keys, message.text);
      if (body === undefined) return REFUSED;
      try {
        return webPushAnswer(await post(url, { headers: message.headers, body }), wallMs());
      } catch (error) {
        return isForbidden(error) ? REFUSED : failureOf(error);
      }
    },
    close: () => dispatcher.close(),
  };
}

/** The registration itself is impossible, and no other push to it would fare better. */
const REFUSED: PushAnswer = { kind: 'refused', reason: 'registration' };

/** Returns undefined if the keys that somebody registered are none. */
function encryptFor(
  keys: WebPushRegistration['subscription']['keys'],
  text: Buffer,
): Buffer | undefined {
  try {
    const [p256dh, auth] = [keys.p256dh, keys.auth].map((key) => Buffer.from(key, 'base64url'));
    return p256dh && auth && encrypt(text, { p256dh, auth });
  } catch {
    return undefined;
  }
}

function isForbidden(error: unknown): boolean {
  const { cause } = error as Error;
  return [error, cause].some((one) => one instanceof ForbiddenAddressError);
}
