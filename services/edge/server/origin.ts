const ANY_PORT = ':*';

/**
 * Tells whether a browser page of `origin` may talk to this edge. `allowed` holds exact origins; an
 * entry that ends with `:*` allows its host with any port, or with none. An empty `origin` is
 * allowed, because it comes from no browser.
 */
export function isOriginAllowed(origin: string, allowed: readonly string[]): boolean {
  if (origin === '') return true;
  return allowed.some((entry) => {
    if (!entry.endsWith(ANY_PORT)) return entry === origin;
    const host = entry.slice(0, -ANY_PORT.length);
    if (origin === host) return true;
    return origin.startsWith(`${host}:`) && /^\d{1,5}$/.test(origin.slice(host.length + 1));
  });
}
