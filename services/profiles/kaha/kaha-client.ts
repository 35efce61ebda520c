import { Agent, request } from 'undici';
import type { ProfileRef } from '../profile.ts';
import { type KahaAnswer, readKahaAnswer } from './kaha-answer.ts';

/**
 * The call failed on its way. The error has the code of the failure and no cause, because the
 * parser's own error carries the bytes that it could not read, and they hold names.
 */
class KahaUnreachableError extends Error {
  constructor(error: unknown) {
    const { code, name } = error as NodeJS.ErrnoException;
    super(`kaha-main-v3 could not be asked: ${code ?? name}`);
    this.name = 'KahaUnreachableError';
  }
}

/** kaha-main-v3 refused the call. `retryable` says that the same call may succeed later. */
export class KahaRefusedError extends Error {
  readonly retryable: boolean;

  constructor(status: number) {
    super(`kaha-main-v3 answered ${status}`);
    this.name = 'KahaRefusedError';
    this.retryable = status >= 500 || status === 429 || status === 408;
  }
}

export type KahaClient = {
  /** Calls `POST /api/batch/profiles` for at most 100 ids. */
  fetch(refs: readonly ProfileRef[], signal: AbortSignal): Promise<KahaAnswer>;
  close(): Promise<void>;
};

type Options = { url: string; serviceToken: string; connectionsMax: number };

const ANSWER_BYTES_MAX = 1024 * 1024;
const CONNECT_TIMEOUT_MS = 800;

/**
 * The client makes bare calls, and `kaha-guard` protects them. An answer above 1 MiB is cut off. A
 * compressed or otherwise encoded answer is not decoded, and a redirect is not followed.
 */
export function createKahaClient({ url, serviceToken, connectionsMax }: Options): KahaClient {
  const dispatcher = new Agent({
    connections: connectionsMax,
    maxResponseSize: ANSWER_BYTES_MAX,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  });
  const endpoint = new URL('api/batch/profiles', url.endsWith('/') ? url : `${url}/`);
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${serviceToken}` };
  const post = async (options: object): Promise<{ status: number; text: string }> => {
    try {
      const { statusCode: status, body } = await request(endpoint, { method: 'POST', ...options });
      if (status === 200) return { status, text: await body.text() };
      await body.dump();
      return { status, text: '' };
    } catch (error) {
      throw (error as Error).name === 'AbortError' ? error : new KahaUnreachableError(error);
    }
  };
  return {
    async fetch(refs, signal) {
      const idsOf = (kind: string): string[] =>
        refs.filter((ref) => ref.kind === kind).map(({ id }) => id);
      const body = JSON.stringify({ user_ids: idsOf('user'), business_ids: idsOf('business') });
      const { status, text } = await post({ dispatcher, signal, headers, body });
      if (status !== 200) throw new KahaRefusedError(status);
      return readKahaAnswer(text, refs);
    },
    close: () => dispatcher.destroy(),
  };
}
