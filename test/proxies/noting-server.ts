import { createServer } from 'node:net';
import type { Test } from 'tap';

/** Each element is what one read of the connection brought. */
type Reads = string[];

type NotingServer = {
  port: number;
  /** Each connection that brought something stands here. */
  connections: Reads[];
};

/**
 * Listens in the place of an edge, and notes byte for byte what a proxy sends to it. A request that
 * is whole by its Content-Length is given to `answer`. If that returns undefined, the connection is
 * closed without an answer. Otherwise it stays open, and a proxy could send another request on it.
 */
export async function startNotingServer(
  t: Pick<Test, 'teardown'>,
  answer: (request: string) => string | undefined,
): Promise<NotingServer> {
  const connections: Reads[] = [];
  const server = createServer((socket) => {
    const reads: Reads = [];
    socket.unref();
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      if (reads.length === 0) connections.push(reads);
      reads.push(chunk.toString('latin1'));
      const request = reads.join('');
      if (!isWhole(request)) return;
      const text = answer(request);
      if (text === undefined) socket.destroy();
      else socket.write(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  return { port, connections };
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  const length = /^content-length: *(\d+)/im.exec(text)?.[1] ?? '0';
  return end !== -1 && text.length >= end + 4 + Number(length);
}
