import { failureOf } from '../failure-of.ts';
import type { ApnsEnvironment, ApnsRegistration, PushProvider } from '../provider.ts';
import { apnsAnswer } from './apns-answer.ts';
import { ApnsConnection, type ApnsConnectionOptions } from './apns-connection.ts';
import { apnsMessage } from './apns-message.ts';
import { type ApnsKey, ApnsToken } from './apns-token.ts';

type ApnsOptions = Omit<ApnsConnectionOptions, 'url'> & {
  key: ApnsKey;
  urls: Readonly<Record<ApnsEnvironment, string>>;
  now: () => number;
  wallMs: () => number;
};

/** Speaks HTTP/2 with APNs, and proves by a signed token who we are. */
export function createApnsProvider(options: ApnsOptions): PushProvider<ApnsRegistration> {
  const { key, urls, now, wallMs, ...rest } = options;
  const token = new ApnsToken(key, { now, wallMs });
  const connections = {
    production: new ApnsConnection({ ...rest, url: urls.production }),
    sandbox: new ApnsConnection({ ...rest, url: urls.sandbox }),
  };
  return {
    hostOf: ({ environment }) => environment,
    async send(registration, push) {
      const message = apnsMessage(registration, push);
      if (message === undefined) return { kind: 'too_large' };
      try {
        const authorization = `bearer ${await token.current()}`;
        const request = { ...message, headers: { ...message.headers, authorization } };
        return apnsAnswer(await connections[registration.environment].request(request), wallMs());
      } catch (error) {
        return failureOf(error);
      }
    },
    async close() {
      await Promise.all(Object.values(connections).map((connection) => connection.close()));
    },
  };
}
