import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from './metrics.ts';

/** Returns undefined if the service is ready, or else the reason why it is not. */
export type Readiness = () => string | undefined;

type AdminServer = { port: number; close(): Promise<void> };

/** A connection beyond this number is cut at once, so that files are left for the service. */
const CONNECTIONS_MAX = 64;

type Options = { host: string; port: number; metrics: Metrics; readiness: Readiness };

/**
 * Serves `GET /livez`, `/readyz` and `/metrics` on a port of its own, which clients must never
 * reach. An answer of `/livez` proves that the event loop runs. `/readyz` answers 200, or 503 with
 * the reason why the service is not ready.
 */
export async function startAdminServer(options: Options): Promise<AdminServer> {
  const { metrics, readiness } = options;
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0];
    if (path === '/livez') return void response.end('ok\n');
    if (path === '/readyz') {
      const reason = readiness();
      response.statusCode = reason === undefined ? 200 : 503;
      return void response.end(`${reason ?? 'ok'}\n`);
    }
    if (path === '/metrics') {
      metrics.registry.metrics().then(
        (text) => {
          response.setHeader('content-type', metrics.registry.contentType);
          response.end(text);
        },
        () => {
          response.statusCode = 500;
          response.end();
        },
      );
      return;
    }
    response.statusCode = 404;
    response.end();
  });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
