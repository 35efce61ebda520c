import { createServer, type Server } from 'node:net';

const HOST = '127.0.0.1';
/**
 * Ports from here on are below the range that systems give to outgoing connections (Linux: from
 * 32768).
 */
const FIRST = 20_000;
const COUNT = 12_000;
/** A process claims this many ports at a time. One stack and its servers take fewer. */
const BLOCK = 32;
const BLOCKS = COUNT / BLOCK;

/** Resolves with `count` ports. */
type Ports = (count: number) => Promise<number[]>;

/**
 * Resolves with free ports of the loopback address, all different. No port is given twice, neither
 * by this process nor by another one that runs: a process claims a block of ports by listening on
 * the first port of the block until the process ends. None of the ports is in the range that the
 * system gives to outgoing connections, because a connection could have such a port by the time
 * that a server starts, or starts again.
 */
export const freePorts: Ports = createPorts(process.pid % BLOCKS);

/** Makes a source of ports that looks for free blocks from `firstBlock` on. */
export function createPorts(firstBlock: number): Ports {
  const claimed: number[] = [];
  let next = firstBlock;
  const claimBlock = async (): Promise<void> => {
    for (let tries = 0; tries < BLOCKS; tries += 1) {
      const [claim, ...others] = Array.from({ length: BLOCK }, (_, n) => FIRST + next * BLOCK + n);
      next = (next + 1) % BLOCKS;
      if (!(await isClaimed(claim as number))) continue;
      claimed.push(...others);
      return;
    }
    throw new Error(`no block of free ports from ${FIRST} on`);
  };
  return async (count) => {
    const ports: number[] = [];
    while (ports.length < count) {
      const port = claimed.shift();
      if (port === undefined) await claimBlock();
      else if (await isFree(port)) ports.push(port);
    }
    return ports;
  };
}

/** Claims the block of this port. Resolves with false if another process has it. */
async function isClaimed(port: number): Promise<boolean> {
  try {
    (await listen(port)).unref();
    return true;
  } catch {
    return false;
  }
}

/** Tells whether nothing listens on the port. */
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
