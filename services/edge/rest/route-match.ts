import type { Route } from './route.ts';

export type Match =
  | { kind: 'route'; route: Route; params: Record<string, string> }
  | { kind: 'wrong method'; allowed: string[] }
  | { kind: 'unknown path' }
  | { kind: 'malformed path' };

const BASES = ['/api/v1/', '/api/chat/'];
/**
 * `/api/v1/chats` is an alias of `/api/v1/conversations`. There is no `/api/chat/chats`, because
 * `/api/chat` is an alias itself.
 */
const CHATS = /^\/api\/v1\/chats(?=\/|$)/;

/**
 * Finds the route of a call. A call with an unknown path is an `unknown path`, whatever its method
 * is.
 */
export function matchRoute(routes: readonly Route[], method: string, path: string): Match {
  const known = withoutBase(path.replace(CHATS, '/api/v1/conversations'));
  if (known === undefined) return { kind: 'unknown path' };
  const segments = segmentsOf(known);
  if (segments === undefined) return { kind: 'malformed path' };
  const allowed: string[] = [];
  for (const route of routes) {
    const params = paramsOf(route.segments, segments);
    if (params === undefined) continue;
    if (route.door.method === method) return { kind: 'route', route, params };
    allowed.push(route.door.method);
  }
  return allowed.length === 0 ? { kind: 'unknown path' } : { kind: 'wrong method', allowed };
}

function withoutBase(path: string): string | undefined {
  for (const base of BASES) if (path.startsWith(base)) return path.slice(base.length);
  return undefined;
}

/** Splits and decodes a path. The result is undefined if an escape in the path is malformed. */
function segmentsOf(path: string): string[] | undefined {
  try {
    return path.split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function paramsOf(
  pattern: readonly string[],
  segments: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] as string;
    const isParameter = part.startsWith(':') && segment !== '';
    if (isParameter) params[part.slice(1)] = segment;
    else if (part !== segment) return undefined;
  }
  return params;
}
