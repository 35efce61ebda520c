import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KahaError } from '../../../shared/errors.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { ProfilesMetrics } from '../profiles-metrics.ts';
import { createTokenCheck } from './service-token.ts';
import { readWebhookCall, type WebhookEvent } from './webhook-call.ts';

type WebhookServer = { port: number; close(): Promise<void> };

type Options = {
  host: string;
  port: number;
  serviceToken: string;
  /** Resolves once the stream holds the event. Then the caller gets its answer. */
  accept: (event: WebhookEvent) => Promise<void>;
  metrics: ProfilesMetrics;
  logger: Logger;
};

const PATH = '/webhooks/kaha';
const CONNECTIONS_MAX = 256;
const REQUESTS_MAX = 64;
const REQUEST_MS = 5_000;
/** Node looks for requests that took too long only every 30 s by default. */
const REQUEST_CHECK_MS = 1_000;

/**
 * Serves `POST /webhooks/kaha` for kaha-main-v3 on a port that clients cannot reach. It answers 202
 * once the event is in the stream. Refusals are `{"error":{code,message}}` with 400, 401, 404, 405
 * or 413, and 503 with Retry-After if NATS is away or 64 requests are being served.
 */
export async function startWebhookServer(options: Options): Promise<WebhookServer> {
  const { metrics, logger, accept } = options;
  const isTrusted = createTokenCheck(options.serviceToken);
  let serving = 0;
  const carryOut = async (request: IncomingMessage): Promise<void> => {
    const path = (request.url ?? '').split('?')[0];
    if (path !== PATH) throw new KahaError('NOT_FOUND', 'There is nothing here');
    if (!isTrusted(request.headers.authorization)) {
      throw new KahaError('UNAUTHENTICATED', 'The service token is missing or wrong');
    }
    if (request.method !== 'POST')
      throw new KahaError('INVALID_REQUEST', 'POST only', { status: 405 });
    if (serving > REQUESTS_MAX) throw new KahaError('MESSAGING_UNAVAILABLE', 'Overloaded');
    await accept(await readWebhookCall(request));
  };
  const server = createServer(
    { connectionsCheckingInterval: REQUEST_CHECK_MS },
    async (request, response) => {
      serving += 1;
      try {
        await carryOut(request);
        metrics.events.inc({ source: 'webhook', outcome: 'taken' });
        answer(response, 202, {});
      } catch (thrown) {
        const error = KahaError.from(thrown);
        if (error.code === 'INTERNAL' && !request.destroyed) {
          logger.error({ err: thrown }, 'webhook failed');
        }
        metrics.events.inc({ source: 'webhook', outcome: 'refused' });
        refuse(response, error);
      } finally {
        serving -= 1;
      }
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.requestTimeout = REQUEST_MS;
  server.headersTimeout = REQUEST_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

/**
 * The server does not read the rest of the body of a call that it refuses, so the connection ends
 * with the answer.
 */
function refuse(response: ServerResponse, error: KahaError): void {
  response.setHeader('connection', 'close');
  if (error.status === 405) response.setHeader('allow', 'POST');
  if (error.status === 401) response.setHeader('www-authenticate', 'Bearer');
  if (error.status === 503) response.setHeader('retry-after', Math.ceil(error.retryAfterS ?? 1));
  answer(response, error.status, { error: error.toWire() });
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.statusCode = status;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}
