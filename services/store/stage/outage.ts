import type { AddressInfo } from 'node:net';
import { createServer, connect as open, type Socket } from 'node:net';

type Outage = {
  /** This URL leads to the database through the proxy. */
  url: string;
  /** The proxy cuts its connections and refuses new ones. */
  refuse(): Promise<void>;
  /** The proxy accepts connections and answers nothing, as a stopped process does. */
  freeze(): void;
  /** The next answer of Postgres that has this text is lost, and its connection is cut. */
  loseAnswer(text: string): void;
  heal(): Promise<void>;
  close(): Promise<void>;
};

/** The proxy before Postgres can be away or frozen; other tests on the same server go on. */
export async function createOutage(databaseUrl: string): Promise<Outage> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let frozen = false;
  let lost: string | undefined;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    keep(client);
    if (frozen) return;
    const upstream = open(Number(target.port || 5432), target.hostname);
    keep(upstream);
    client.on('data', (chunk) => frozen || upstream.write(chunk));
    upstream.on('data', (chunk) => {
      if (frozen) return;
      const isLost = lost !== undefined && chunk.includes(lost);
      if (!isLost) return void client.write(chunk);
      lost = undefined;
      client.destroy();
      upstream.destroy();
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => frozen || client.destroy());
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const refuse = (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${port}`;
  return {
    url: url.href,
    refuse,
    freeze: () => {
      frozen = true;
    },
    loseAnswer: (text) => {
      lost = text;
    },
    async heal() {
      frozen = false;
      for (const socket of sockets) socket.destroy();
      if (!server.listening) await listen(port);
    },
    close: refuse,
  };
}
