import { isIP } from 'node:net';
import { isTimeZone } from '../../../../shared/business/time-zone.ts';
import type { PushRegistration } from '../../../../shared/protocol/devices/device-requests.ts';
import { isPointOfP256 } from './p256-point.ts';

/**
 * `public` endpoints are https and have a public name. `any` is for development, where the push
 * service is a stand-in on this machine.
 */
export type Endpoints = 'public' | 'any';

/** Names of these domains lead to this machine, or into the network that it stands in. */
const PRIVATE_NAME = /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|lan|home\.arpa)\.?$/;

/**
 * Returns, in words, what the schema of a registration cannot find, or undefined: a time zone that
 * IANA does not have, quiet hours that are empty, a key that is no point of its curve, and an
 * endpoint that is no URL.
 */
export function registrationProblem(registration: PushRegistration): string | undefined {
  const { quiet_hours } = registration;
  if (quiet_hours !== undefined) {
    const { time_zone, from, to } = quiet_hours;
    if (!isTimeZone(time_zone)) {
      return 'registration.quiet_hours.time_zone: is no time zone of IANA';
    }
    if (from === '24:00') return 'registration.quiet_hours.from: no hours begin at 24:00';
    if (from === to) return 'registration.quiet_hours: are empty';
  }
  if (registration.provider !== 'webpush') return undefined;
  const { endpoint, keys } = registration.subscription;
  if (!isPointOfP256(keys.p256dh)) {
    return 'registration.subscription.keys.p256dh: is no point of P-256';
  }
  const problem = endpointProblem(endpoint, 'any');
  return problem && `registration.${problem}`;
}

/**
 * Returns, in words, why nothing is ever sent to the endpoint, or undefined. A push service always
 * has a name. What the name leads to is judged by whoever connects to it.
 */
export function endpointProblem(endpoint: string, allowed: Endpoints): string | undefined {
  const problem = URL.canParse(endpoint) ? urlProblem(new URL(endpoint), allowed) : 'is no URL';
  return problem && `subscription.endpoint: ${problem}`;
}

function urlProblem(url: URL, allowed: Endpoints): string | undefined {
  const { protocol, hostname, username, password, hash } = url;
  if (username !== '' || password !== '') return 'has a user or a password';
  if (hash !== '') return 'has a fragment';
  if (allowed === 'any') {
    return protocol === 'https:' || protocol === 'http:' ? undefined : 'must be https';
  }
  if (protocol !== 'https:') return 'must be https';
  // `URL` shows every way of writing an IPv4 address in the usual one.
  const isAddress = isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
  const isName = hostname.replace(/\.$/, '').includes('.');
  if (isAddress || !isName || PRIVATE_NAME.test(hostname)) return 'must have a public name';
  return undefined;
}
