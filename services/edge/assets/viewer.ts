import { join } from 'node:path';
import type { Asset } from './assets.ts';
import { readFolder } from './read-folder.ts';

/** The build makes the viewer here. */
const FOLDER = join('dist', 'docs');
const INDEX = '/index.html';

/** The viewer needs no inline style or script, and no other host. Its icons are `data:`. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
const HEADERS = [
  ['Content-Security-Policy', POLICY],
  ['Referrer-Policy', 'no-referrer'],
] as const;

/** Reads the viewer that shows `/openapi.json` at `/docs`. Throws if the viewer is not built. */
export function readViewer(): Asset[] {
  return readFolder(FOLDER).map((file) => ({
    ...file,
    path: file.path === INDEX ? '/docs' : `/docs${file.path}`,
    headers: HEADERS,
  }));
}
