import { ChatError } from '../errors.ts';
import type { Platform } from '../platform/platform.ts';
import type { ServerFrame } from '../protocol/events.ts';

type Deps = {
  platform: Platform;
  /** Sends a frame, and returns false if there is no open session. */
  send: (frame: { type: string }) => boolean;
};
type Waiting = { settle: (answer: unknown) => void; fail: (error: ChatError) => void };
export type Request = { type: string } & Record<string, unknown>;

/** So many requests may wait for their answers. One more is refused. */
const WAITING_MAX = 256;
/** The server promises each answer within 4 s. The network may take the rest. */
const ANSWER_MS = 10_000;

/**
 * Sends frames with an id, and gives each answer to the one who asked. Whatever happens, the
 * promise of a request settles: with the answer's data, or with the error of the server, after 10 s
 * with `TIMEOUT`, and with `DISCONNECTED` when the session ends.
 */
export class Requests {
  readonly #deps: Deps;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  ask(request: Request): Promise<unknown> {
    if (this.#waiting.size >= WAITING_MAX) {
      return Promise.reject(new ChatError('TOO_MANY_REQUESTS', 'Too many requests are under way'));
    }
    this.#lastId += 1;
    const id = this.#lastId;
    const { platform, send } = this.#deps;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        platform.clearTimeout(timer);
        this.#waiting.delete(id);
      };
      const fail = (error: ChatError): void => {
        end();
        reject(error);
      };
      const settle = (answer: unknown): void => {
        end();
        resolve(answer);
      };
      const timer = platform.setTimeout(
        () => fail(new ChatError('TIMEOUT', 'No answer came')),
        ANSWER_MS,
      );
      this.#waiting.set(id, { settle, fail });
      if (!send({ ...request, id } as Request)) fail(disconnected());
    });
  }

  /** Takes a frame if it is the answer to a request. */
  take(frame: ServerFrame): boolean {
    if (frame.type !== 'reply' && frame.type !== 'error') return false;
    const waiting = this.#waiting.get(frame.id as number);
    if (frame.type === 'reply') waiting?.settle(frame.data);
    else waiting?.fail(ChatError.fromWire(frame.error));
    return waiting !== undefined;
  }

  /** The session has ended, so no answer comes any more. */
  fail(): void {
    for (const { fail } of [...this.#waiting.values()]) fail(disconnected());
  }
}

function disconnected(): ChatError {
  return new ChatError('DISCONNECTED', 'There is no connection');
}
