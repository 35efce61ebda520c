import { Agent, request } from 'undici';
import { failureOf } from '../failure-of.ts';
import type { FcmRegistration, PushAnswer, PushProvider } from '../provider.ts';
import { type FcmResponse, fcmAnswer } from './fcm-answer.ts';
import { fcmMessage } from './fcm-message.ts';
import { FcmToken, type ServiceAccount, TokenRefusedError } from './fcm-token.ts';

type FcmOptions = {
  account: ServiceAccount;
  url: string;
  /** An authority that is trusted instead of the usual ones. */
  ca?: string | undefined;
  connectionsMax: number;
  tryMs: number;
  now: () => number;
  wallMs: () => number;
};

const ANSWER_BYTES_MAX = 64 * 1024;
const UNAUTHENTICATED = 401;

/** Speaks the HTTP v1 protocol of FCM, with an OAuth token of a service account. */
export function createFcmProvider(options: FcmOptions): PushProvider<FcmRegistration> {
  const { account, url, ca, connectionsMax, tryMs, now, wallMs } = options;
  const dispatcher = new Agent({
    connections: connectionsMax,
    maxResponseSize: ANSWER_BYTES_MAX,
    connect: { timeout: tryMs, ...(ca !== undefined && { ca }) },
  });
  const tokens = new FcmToken({ account, dispatcher, tryMs, now, wallMs });
  const endpoint = new URL(`/v1/projects/${account.project_id}/messages:send`, url);
  const post = async (body: Buffer): Promise<FcmResponse> => {
    const pending = tokens.current();
    const headers = {
      authorization: `Bearer ${await pending}`,
      'content-type': 'application/json; charset=utf-8',
    };
    const signal = AbortSignal.timeout(tryMs);
    const response = await request(endpoint, { method: 'POST', dispatcher, headers, body, signal });
    if (response.statusCode === UNAUTHENTICATED) tokens.forget(pending);
    const retryAfter = response.headers['retry-after'];
    return {
      status: response.statusCode,
      retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
      body: await response.body.text(),
    };
  };
  return {
    hostOf: () => 'fcm',
    async send(registration, push) {
      const body = fcmMessage(registration, push, wallMs());
      if (body === undefined) return { kind: 'too_large' };
      try {
        const first = await post(body);
        // A token may end before its time. A new one is tried once.
        const response = first.status === UNAUTHENTICATED ? await post(body) : first;
        return fcmAnswer(response, wallMs());
      } catch (error) {
        return error instanceof TokenRefusedError ? refusal(error) : failureOf(error);
      }
    },
    close: () => dispatcher.close(),
  };
}

function refusal({ status }: TokenRefusedError): PushAnswer {
  if (status >= 500 || status === 429) return { kind: 'unavailable', reason: 'token' };
  return { kind: 'our_fault', reason: 'token' };
}
