import { join } from 'node:path';
import type { Asset } from './assets.ts';
import { readFolder } from './read-folder.ts';

export type PageConfig = {
  isServed: boolean;
  /** The page gets people and tokens from a stand-in for a login that is here. */
  loginUrl: string | undefined;
};

/** The build makes the page here. Every service starts in the folder that holds `dist`. */
const FOLDER = join('dist', 'web');
const INDEX = '/index.html';

/**
 * Reads the page that this edge serves at `/`, or nothing if it serves none. The page learns from
 * `/page.json` what else is there. Throws if the page is not built.
 */
export function readPage({ isServed, loginUrl }: PageConfig): Asset[] {
  if (!isServed) return [];
  const headers = [
    ['Content-Security-Policy', policyOf(loginUrl)],
    ['Referrer-Policy', 'no-referrer'],
  ] as const;
  const files = readFolder(FOLDER).map((file) => ({ ...file, headers }));
  const index = files.find(({ path }) => path === INDEX);
  if (index === undefined) throw new Error(`${FOLDER}${INDEX} is not there`);
  const settings: Asset = {
    path: '/page.json',
    type: 'application/json; charset=utf-8',
    bytes: Buffer.from(JSON.stringify({ login_url: loginUrl })),
    compressed: {},
    isImmutable: false,
    headers,
  };
  const others = files.filter((file) => file !== index);
  return [{ ...index, path: '/' }, ...others, settings];
}

/**
 * The page has its own scripts, service worker, styles and connections, the login's connections,
 * and pictures of people. `'self'` holds for the WebSocket too (CSP 3).
 */
function policyOf(loginUrl: string | undefined): string {
  const login = loginUrl === undefined ? [] : [new URL(loginUrl).origin];
  return [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self' https: data:",
    `connect-src ${["'self'", ...login].join(' ')}`,
    "manifest-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
