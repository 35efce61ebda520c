const ANY_PORT = ':*';

/**
 * Whether a browser page of `origin` may talk to us. `allowed` holds exact origins, or with `:*`
 * any port of a host (none too). An empty `origin` is no browser: other clients send none.
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
