import { createRequire } from 'node:module';

export type { HttpRequest, HttpResponse, us_listen_socket } from 'uWebSockets.js';

/**
 * A head that comes in pieces may have so many bytes: a token of 8 KiB, the cookies of a browser,
 * and room for the headers that proxies add. The library answers 431 to a longer one.
 */
const HEAD_BYTES_MAX = 20 * 1024;

/**
 * Loads the library, which no other file imports. It reads its limit for heads from the
 * environment, once, when it is loaded. So the limit is set here.
 */
export function loadLibrary(): typeof import('uWebSockets.js') {
  process.env.UWS_HTTP_MAX_HEADERS_SIZE = String(HEAD_BYTES_MAX);
  return createRequire(import.meta.url)('uWebSockets.js');
}
