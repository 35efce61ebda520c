/**
 * A local address has ~28 000 ports for connections. Ports that connections of earlier runs used
 * cannot be used again for a minute, so the share of each address is far smaller.
 */
const CONNECTIONS_PER_ADDRESS = 5_000;
const ADDRESSES_MIN = 4;
const ADDRESSES_MAX = 200;
const LOOPBACK = /^http:\/\/127\./;

/**
 * Returns the addresses that connections to edges on this machine come from: 127.0.0.2, .3 … The
 * list is empty if an edge is elsewhere, because such an edge could not answer to a loopback
 * address.
 */
export function localAddressesOf(edges: readonly string[], connections: number): string[] {
  if (!edges.every((url) => LOOPBACK.test(url))) return [];
  const wanted = Math.ceil(connections / CONNECTIONS_PER_ADDRESS);
  const length = Math.min(ADDRESSES_MAX, Math.max(ADDRESSES_MIN, wanted));
  return Array.from({ length }, (_, index) => `127.0.0.${index + 2}`);
}
