import type { SourceFile } from './read-tree.ts';
import { isTest } from './text-rules.ts';

/** This file alone reads the steady clock; all others call `steadyMs`. */
const STEADY = 'shared/process/clock.ts';
/**
 * These files read the wall clock, each for this reason. Whatever only lasts for a while is
 * measured by `steadyMs`, so that no host whose clock is set waits or hurries.
 */
const WALL: readonly { files: RegExp; why: string }[] = [
  { files: /^shared\/process\/epochs/, why: 'a process that starts orders its sessions by it' },
  { files: /^services\/edge\/tokens\/token-verifier/, why: 'tokens have their times by it' },
  { files: /^services\/edge\/lifecycle\/session-sweep/, why: 'tokens end by it' },
  {
    files: /^services\/edge\/lifecycle\/(?:session-opening|authentication)/,
    why: '`auth_ok` shows it',
  },
  { files: /^services\/edge\/delivery\/device-stream/, why: 'receipts and the feed show it' },
  { files: /^services\/edge\/delivery\/delivery/, why: 'JetStream says when it stored an event' },
  { files: /^services\/edge\/presence\/presence/, why: '`last_seen_at` shows it' },
  { files: /^services\/edge\/presence\/contacts/, why: 'Redis keeps it for other edges' },
  {
    files: /^services\/(?:edge\/api\/conversations\/mute|store\/(?:conversations|inbox|outbox)\/)/,
    why: 'a mute ends at a time that a user named',
  },
  {
    files: /^services\/profiles\/(?:cache|look-up)\//,
    why: 'Redis keeps how long a profile is fresh',
  },
  {
    files: /^services\/push\/(?:push|alerts|badges\/)/,
    why: 'messages, mutes and pushes have their times by it',
  },
  { files: /^services\/retention\/partition-runs/, why: 'a metric and `readyz` show it' },
  { files: /^services\/retention\/expiry-runs/, why: 'store compares it with Postgres' },
  { files: /^services\/router\/fan-out\/deliveries/, why: 'the feed shows it' },
  {
    files: /^services\/store\/database\/heal-times/,
    why: 'it is compared with the clock of Postgres',
  },
];
const PRODUCTION = /^(?:services|shared)\//;
const CLOCKS = /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bprocess\.(?:hrtime|uptime)\b/g;

/** Finds production code that reads a clock which is not for it. */
export function findClocks({ path, code }: SourceFile): string[] {
  if (!PRODUCTION.test(path) || isTest(path) || path === STEADY) return [];
  const isAllowed = WALL.some(({ files }) => files.test(path));
  return [...code.matchAll(CLOCKS)].flatMap(({ 0: read, index }) => {
    if (isAllowed && read.includes('Date')) return [];
    const line = code.slice(0, index).split('\n').length;
    return [`${path}:${line} ${read}: durations are by steadyMs()`];
  });
}

/** Finds exceptions of this list that no file needs any more. */
export function findIdleExceptions(sources: readonly SourceFile[]): string[] {
  const readers = sources.filter(({ path, code }) => !isTest(path) && /\bDate\b/.test(code));
  return WALL.filter(({ files }) => !readers.some(({ path }) => files.test(path))).map(
    ({ files, why }) => `no file of ${files.source} reads the wall clock because ${why}`,
  );
}
