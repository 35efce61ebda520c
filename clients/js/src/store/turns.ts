import { ChatError } from '../errors.ts';

/**
 * Lets so many requests be under way at once. The others wait for their turn, and those beyond what
 * may wait are refused with `TOO_MANY_REQUESTS`.
 */
export function createTurns({ atOnceMax, waitingMax }: { atOnceMax: number; waitingMax: number }) {
  const waiting: (() => void)[] = [];
  let atOnce = 0;
  return async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
    if (waiting.length >= waitingMax) {
      throw new ChatError('TOO_MANY_REQUESTS', `${waitingMax} requests wait already`);
    }
    if (atOnce < atOnceMax) atOnce += 1;
    else await new Promise<void>((take) => waiting.push(take));
    try {
      return await ask();
    } finally {
      const next = waiting.shift();
      // The turn passes on, so nobody who comes now overtakes those who wait.
      if (next) next();
      else atOnce -= 1;
    }
  };
}
