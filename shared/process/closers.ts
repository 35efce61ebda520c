import type { Logger } from './logger.ts';

/**
 * Closers know the open parts of a service in the order in which they were opened. `closeAll`
 * closes the parts in reverse order and waits for each, up to its deadline. It logs a part that
 * fails or is late, and goes on; it never rejects.
 */
export type Closers = {
  /** `deadlineMs` is 5 s by default. */
  push(name: string, close: () => Promise<void> | void, deadlineMs?: number): void;
  closeAll(): Promise<void>;
};

const CLOSER_DEADLINE_MS = 5_000;

export function createClosers(logger: Logger): Closers {
  const open: { name: string; close: () => Promise<void> | void; deadlineMs: number }[] = [];
  return {
    push(name, close, deadlineMs = CLOSER_DEADLINE_MS) {
      open.push({ name, close, deadlineMs });
    },
    async closeAll() {
      for (let part = open.pop(); part !== undefined; part = open.pop()) {
        const { name, close, deadlineMs } = part;
        try {
          await withDeadline(close, deadlineMs);
        } catch (error) {
          logger.error({ err: error, part: name }, 'close failed');
        }
      }
    },
  };
}

async function withDeadline(close: () => Promise<void> | void, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not closed within ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    await Promise.race([Promise.resolve(close()), late]);
  } finally {
    clearTimeout(timer);
  }
}
