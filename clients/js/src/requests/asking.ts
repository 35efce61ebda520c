import { backoffMs } from '../connection/backoff.ts';
import type { Line } from '../engine/line.ts';
import { ChatError } from '../errors.ts';
import type { Observable } from '../events/observable.ts';
import { type Platform, pause, within } from '../platform/platform.ts';
import type { Operations } from '../protocol/requests.ts';
import type { ConnectionState } from '../tabs/tab-message.ts';

type Deps = {
  line: () => Line | undefined;
  state: Observable<ConnectionState>;
  platform: Platform;
};
type Ask = <Op extends keyof Operations>(
  type: Op,
  request: Operations[Op]['request'],
) => Promise<Operations[Op]['answer']>;

export type Asking = {
  /** Asks again when the connection ends or the server cannot answer now, for up to 20 s. */
  read: Ask;
  /** Waits for a connection for up to 5 s, and asks once. */
  write: Ask;
  /** Asks in another way, as `read` does. */
  retried<Answer>(ask: () => Promise<Answer>): Promise<Answer>;
};

const READ_MS = 20_000;
const WRITE_MS = 5_000;

/**
 * Asks the server. What only reads is asked again; what changes something is asked once, and the
 * application decides about another try.
 */
export function createAsking({ line, state, platform }: Deps): Asking {
  const ask: Ask = async (type, request) => (await line()?.ask({ ...request, type })) as never;
  /** Resolves once there is a connection, and rejects once there will be none. */
  const connected = (until: number): Promise<void> => {
    let unsubscribe = (): void => undefined;
    const waiting = new Promise<void>((resolve, reject) => {
      const look = (): void => {
        const { status } = state.value;
        if (status === 'connected') resolve();
        else if (status !== 'connecting')
          reject(new ChatError('CLOSED', `The client is ${status}`));
      };
      unsubscribe = state.subscribe(look);
      look();
    });
    return within(platform, until - platform.now(), waiting).finally(unsubscribe);
  };
  const retried: Asking['retried'] = async (run) => {
    const until = platform.now() + READ_MS;
    for (let attempts = 0; ; attempts += 1) {
      await connected(until);
      try {
        return await run();
      } catch (thrown) {
        const error = ChatError.from(thrown);
        const delayMs = error.retryAfterMs ?? backoffMs(attempts, platform.random());
        if (!error.isRetryable || platform.now() + delayMs > until) throw error;
        await pause(platform, delayMs);
      }
    }
  };
  return {
    read: (type, request) => retried(() => ask(type, request)),
    async write(type, request) {
      await connected(platform.now() + WRITE_MS);
      return await ask(type, request);
    },
    retried,
  };
}
