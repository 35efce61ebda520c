import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { isPublicAddress } from './public-address.ts';

type Options = {
  tryMs: number;
  ca?: string | undefined;
  /** In development, an endpoint may be anywhere and without TLS. */
  endpoints: 'public' | 'any';
  /** Tests resolve names by another function. */
  lookup?: LookupFunction;
};

/** The endpoint leads to where no stranger may send us. */
export class ForbiddenAddressError extends Error {
  readonly code = 'FORBIDDEN_ADDRESS';

  constructor() {
    super('the endpoint is not on the public internet');
    this.name = 'ForbiddenAddressError';
  }
}

/**
 * Makes connections to the endpoints that strangers gave us: by TLS alone, and only to addresses of
 * the public internet. It looks at the addresses that the connection itself is made to, so a name
 * that resolves to another address a moment later gains nothing. If one address of a name is not
 * public, none of them is tried.
 */
export function guardedConnect(options: Options): buildConnector.connector {
  const { tryMs, ca, endpoints, lookup = systemLookup as LookupFunction } = options;
  const common = { timeout: tryMs, ...(ca !== undefined && { ca }) };
  if (endpoints === 'any') return buildConnector(common);
  // The types of the connector do not name `lookup`, which it hands to `tls.connect`.
  const guarded = buildConnector({ ...common, lookup: guardedLookup(lookup) } as object);
  return (target, callback) => {
    const { protocol, hostname } = target;
    const literal = hostname.replace(/^\[|\]$/g, '');
    const isForbidden = isIP(literal) !== 0 && !isPublicAddress(literal);
    if (protocol !== 'https:' || isForbidden) return callback(new ForbiddenAddressError(), null);
    guarded(target, callback);
  };
}

/** Looks a name up as `lookup` does, and fails if any of its addresses is not public. */
function guardedLookup(lookup: LookupFunction): LookupFunction {
  return (name, options, callback) => {
    lookup(name, { ...options, all: true }, (error, found) => {
      const addresses = Array.isArray(found) ? found : [];
      const [first] = addresses;
      if (error !== null) return callback(error, '', 0);
      if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
        return callback(new ForbiddenAddressError(), '', 0);
      }
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
