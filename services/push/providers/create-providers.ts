import type { ProvidersConfig } from '../providers-config.ts';
import { createApnsProvider } from './apns/apns-provider.ts';
import { createFcmProvider } from './fcm/fcm-provider.ts';
import type { ProviderName, PushProvider } from './provider.ts';
import { createWebPushProvider } from './webpush/webpush-provider.ts';

type Deps = {
  now: () => number;
  wallMs: () => number;
  /** A try takes at most so long. */
  tryMs: number;
};

const PING_MS = 30_000;
/** FCM answers one request at a time on a connection. */
const FCM_CONNECTIONS = 128;
const WEBPUSH_CONNECTIONS = 32;

/** Creates the providers that are configured. */
export function createProviders(
  { apns, fcm, webpush, ca }: ProvidersConfig,
  deps: Deps,
): Partial<Record<ProviderName, PushProvider>> {
  const common = { ...deps, ca };
  return {
    ...(apns && { apns: createApnsProvider({ ...common, ...apns, pingMs: PING_MS }) }),
    ...(fcm && { fcm: createFcmProvider({ ...common, ...fcm, connectionsMax: FCM_CONNECTIONS }) }),
    ...(webpush && {
      webpush: createWebPushProvider({
        ...{ ...common, ...webpush, connectionsMax: WEBPUSH_CONNECTIONS },
      }),
    }),
  };
}
