import type { ProviderName } from '../providers/provider.ts';
import type { CircuitTerms } from './host-circuit.ts';
import type { RetryTerms } from './judge-answer.ts';

export type SendTerms = {
  retries: RetryTerms;
  circuit: CircuitTerms;
  /** So many pushes of the provider wait or are on their way. */
  pendingMax: number;
  /** So many hosts are known. The circuit of one that nobody asked for longest is forgotten. */
  hostsMax: number;
  /** So many tries of the provider run at once, and so many of one host. */
  concurrencyMax: number;
  hostConcurrencyMax: number;
  /** A host is asked so often. */
  perSecondMax: number;
};

const COMMON = {
  retries: { retriesMax: 5, withinMs: 15 * 60_000, firstWaitMs: 1_000 },
  circuit: { failures: 5, firstMs: 1_000, longestMs: 30_000 },
  pendingMax: 20_000,
};

/**
 * APNs and FCM have one or two hosts. FCM allows 600 000 pushes a minute for a project. The hosts
 * of web push are whatever people registered, so that one of them gets a quarter of the places.
 */
export const SEND_TERMS: Readonly<Record<ProviderName, SendTerms>> = {
  apns: {
    ...{ ...COMMON, hostsMax: 2, perSecondMax: 2_000 },
    ...{ concurrencyMax: 256, hostConcurrencyMax: 128 },
  },
  fcm: {
    ...{ ...COMMON, hostsMax: 1, perSecondMax: 2_000 },
    ...{ concurrencyMax: 128, hostConcurrencyMax: 128 },
  },
  webpush: {
    ...{ ...COMMON, hostsMax: 1_000, perSecondMax: 500 },
    ...{ concurrencyMax: 256, hostConcurrencyMax: 64 },
  },
};
