import type { Route } from './routes/route.ts';

export type Match =
  | { kind: 'route'; route: Route; params: Record<string, string> }
  | { kind: 'wrong method'; allowed: string[] }
  | { kind: 'unknown path' };

const BASES = ['/api/v1/', '/api/chat/'];
/** First segments that mean another. */
const ALIASES: Readonly<Record<string, string>> = { chats: 'conversations' };

/** Finds what a call means; a path is known before its method is looked at. */
export function matchRoute(routes: readonly Route[], method: string, path: string): Match {
  const segments = segmentsOf(path);
  if (segments === undefined) return { kind: 'unknown path' };
  const allowed: string[] = [];
  for (const route of routes) {
    const params = paramsOf(route.segments, segments);
    if (params === undefined) continue;
    if (route.method === method) return { kind: 'route', route, params };
    allowed.push(route.method);
  }
  return allowed.length === 0 ? { kind: 'unknown path' } : { kind: 'wrong method', allowed };
}

function segmentsOf(path: string): string[] | undefined {
  const base = BASES.find((candidate) => path.startsWith(candidate));
  if (base === undefined) return undefined;
  try {
    const segments = path.slice(base.length).split('/').map(decodeURIComponent);
    const [first = ''] = segments;
    segments[0] = ALIASES[first] ?? first;
    return segments;
  } catch {
    // A broken escape names nothing.
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
