import { connect, Events, type NatsConnection, nkeyAuthenticator } from 'nats';
import { inboxPrefix } from '../contracts/permissions.ts';
import type { Logger } from '../process/logger.ts';

type Options = { url: string; nkeySeed: string; natsUser: string; instance: string };

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
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    waitOnFirstConnect: true,
    timeout: 5_000,
  });
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
