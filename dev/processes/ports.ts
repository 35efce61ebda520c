import { createServer, type Server } from 'node:net';

const HOST = '127.0.0.1';
/** Below the range that systems give to outgoing connections (Linux: from 32768). */
const FIRST = 20_000;
const COUNT = 12_000;
const BLOCK = 16;

/** Each process goes on from a place of its own, so that two rarely look at the same port. */
let cursor = (process.pid * BLOCK) % COUNT;

/**
 * Free ports of the loopback address, all different, never given twice by one process. None of
 * them is of the kind that the system gives by itself: such a port could be some connection's by
 * the time that a server starts, or starts again.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries += 1) {
    if (tries === COUNT) throw new Error(`no ${count} free ports from ${FIRST} on`);
    const port = FIRST + cursor;
    cursor = (cursor + 1) % COUNT;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/** False where something listens there already. */
export async function isFree(port: number): Promise<boolean> {
  try {
    const server = await listen(port);
    await new Promise((resolve) => server.close(resolve));
    return true;
  } catch {
    return false;
  }
}

function listen(port: number): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, () => resolve(server));
  });
}
