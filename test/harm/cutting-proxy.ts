import { connect, createServer, type Socket } from 'node:net';
import type { Test } from 'tap';

type CuttingProxy = {
  /** Clients give this address instead of the server's. */
  url: string;
  port: number;
  /** Ends all connections with a reset. New ones are let through. */
  cut(): void;
  /** While it is silent, nothing that is sent arrives, and no connection ends. */
  setSilent(isSilent: boolean): void;
  /** While it is closed, connections are ended and new ones refused. */
  setClosed(isClosed: boolean): void;
};

/**
 * Stands between clients and servers, such as edges, and breaks their connections in the ways of a
 * network. Each connection goes to the next port of the list, which may be filled later.
 */
export async function startCuttingProxy(
  t: Pick<Test, 'teardown'>,
  ports: readonly number[],
): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let count = 0;
  let isSilent = false;
  let isClosed = false;
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const listener = createServer((client) => {
    if (isClosed) {
      client.resetAndDestroy();
      return;
    }
    count += 1;
    const server = connect(ports[count % ports.length] as number, '127.0.0.1');
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => isSilent || to.write(chunk));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    cut();
    listener.close();
  });
  const { port } = listener.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    cut,
    setSilent(isNow) {
      isSilent = isNow;
    },
    setClosed(isNow) {
      isClosed = isNow;
      if (isNow) cut();
    },
  };
}
