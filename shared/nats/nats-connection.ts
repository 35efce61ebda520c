import { connect, Events, type NatsConnection, nkeyAuthenticator } from 'nats';
import { inboxPrefix } from '../contracts/permissions.ts';
import { steadyMs } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';

type Options = { url: string; nkeySeed: string; natsUser: string; instance: string };

/** A server is dialled again after this time, or after up to twice as much at random. */
const DIAL_GAP_MS = 250;

/**
 * Opens a connection that never gives up. It reconnects for ever, and notices a dead link after 10
 * to 15 s (a ping every 5 s, of which 2 may be missed). It retries the first connect too, so that
 * NATS and the services may start in any order.
 */
export function connectNats(options: Options): Promise<NatsConnection> {
  return connect({
    servers: options.url.split(','),
    name: options.instance,
    authenticator: nkeyAuthenticator(new TextEncoder().encode(options.nkeySeed)),
    inboxPrefix: inboxPrefix(options.natsUser),
    pingInterval: 5_000,
    maxPingOut: 2,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: spacedDials(),
    waitOnFirstConnect: true,
    timeout: 5_000,
  });
}

/**
 * The library asks this function before it dials. It dials at once if the result, added to the time
 * of the server's last dial, is not ahead of the wall clock. Otherwise it waits for the result and
 * asks again. If that clock was set back, a lost connection would so stay lost until the clock
 * shows the time of the last dial again. So a result that lets it dial is `-Infinity`.
 */
function spacedDials(): () => number {
  let dueMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = steadyMs();
    if (nowMs < dueMs) return dueMs - nowMs;
    dueMs = nowMs + DIAL_GAP_MS * (1 + Math.random());
    return Number.NEGATIVE_INFINITY;
  };
}

type Watcher = {
  onDisconnect: () => void;
  onReconnect: () => void;
  logger: Logger;
};

/** Follows the connection's status until it closes, and logs what the server refuses as errors. */
export async function watchStatus(nc: NatsConnection, watcher: Watcher): Promise<void> {
  for await (const status of nc.status()) {
    switch (status.type) {
      case Events.Disconnect:
        watcher.logger.warn('nats disconnected');
        watcher.onDisconnect();
        break;
      case Events.Reconnect:
        watcher.logger.info('nats connected again');
        watcher.onReconnect();
        break;
      case Events.Error:
        watcher.logger.error({ reason: status.data, permission: status.permissionContext }, 'nats');
        break;
      default:
        break;
    }
  }
}
