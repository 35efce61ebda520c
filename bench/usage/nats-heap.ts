import { request } from 'undici';
import type { StackProcess } from '../options/target.ts';

/** NATS holds this many bytes once it has collected its garbage. */
export type NatsHeap = { liveBytes: number };

/** A heap of several gigabytes takes NATS some seconds to walk on busy cores. */
const ANSWER_MS = 30_000;
const LIVE_BYTES = /^# HeapAlloc = (\d+)$/m;

/**
 * Asks NATS to collect its garbage and to tell the size of what is left. The resident size tells
 * little of it, because the local stack turns the regular collection off, so garbage stays until a
 * limit. Resolves with undefined if nobody answers, or if NATS is not of this stack and has no such
 * port.
 */
export async function readNatsHeap(
  processes: readonly StackProcess[],
): Promise<NatsHeap | undefined> {
  const port = processes.find(({ service }) => service === 'nats')?.admin_port;
  if (port === undefined) return undefined;
  try {
    const { body } = await request(`http://127.0.0.1:${port}/debug/pprof/heap?gc=1&debug=1`, {
      headersTimeout: ANSWER_MS,
      bodyTimeout: ANSWER_MS,
    });
    return parseHeap(await body.text());
  } catch {
    return undefined;
  }
}

/** Reads the statistics at the end of a heap profile in its text form. */
export function parseHeap(text: string): NatsHeap | undefined {
  const liveBytes = LIVE_BYTES.exec(text)?.[1];
  return liveBytes === undefined ? undefined : { liveBytes: Number(liveBytes) };
}
