import { ChatError, fromWire } from '../errors.ts';
import { type Platform, within } from '../platform/platform.ts';
import type { Answer, Request } from '../protocol/frames.ts';

type Deps = {
  platform: Platform;
  /** Sends a frame, and returns false if there is no open session. */
  send: (frame: Request & { id: number }) => boolean;
};

type Requests = {
  ask(request: Request): Promise<unknown>;
  /** Takes an answer. Returns false if nobody waits for it. */
  take(answer: Answer): boolean;
  /** The session has ended, so no answer comes any more. */
  fail(): void;
};

/** So many requests may wait for their answers. One more is refused. */
const WAITING_MAX = 256;
/** The server promises each answer within 4 s. The network may take the rest. */
const ANSWER_MS = 10_000;
const DISCONNECTED = { code: 'DISCONNECTED', message: 'There is no connection' };

/**
 * Sends frames with an id, and gives each answer to the one who asked. Whatever happens, the
 * promise of a request settles: with the answer's data, or with the error of the server, after 10 s
 * with `TIMEOUT`, and with `DISCONNECTED` when the session ends.
 */
export function createRequests({ platform, send }: Deps): Requests {
  const waiting = new Map<unknown, (answer: Answer) => void>();
  let lastId = 0;
  return {
    ask(request) {
      lastId += 1;
      const id = lastId;
      const asking = new Promise<unknown>((resolve, reject) => {
        if (waiting.size >= WAITING_MAX) {
          throw new ChatError('TOO_MANY_REQUESTS', 'Too many requests');
        }
        const settle = ({ data, error }: Answer): void => {
          if (error) reject(fromWire(error));
          else resolve(data);
        };
        waiting.set(id, settle);
        if (!send({ ...request, id })) settle({ error: DISCONNECTED });
      });
      return within(platform, ANSWER_MS, asking).finally(() => waiting.delete(id));
    },
    take(answer) {
      const settle = waiting.get(answer.id);
      settle?.(answer);
      return settle !== undefined;
    },
    fail() {
      for (const settle of [...waiting.values()]) settle({ error: DISCONNECTED });
    },
  };
}
