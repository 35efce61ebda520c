import { Agent, request } from 'undici';
import { type ProfileRef, requestOf } from '../profile.ts';
import { type KahaAnswer, readKahaAnswer } from './kaha-answer.ts';

/**
 * The call failed on its way. The error has the code of the failure and no cause, because the
 * parser's own error carries the bytes that it could not read, and they hold names.
 */
export class KahaUnreachableError extends Error {
  /** No connection came about in time. */
  readonly isLate: boolean;

  constructor(error: unknown) {
    const { code, name } = error as NodeJS.ErrnoException;
    super(`kaha-main-v3 could not be asked: ${code ?? name}`);
    this.name = 'KahaUnreachableError';
    this.isLate = code === CONNECT_TIMEOUT;
  }
}

/** kaha-main-v3 answered with another status than 200. */
export class KahaRefusedError extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`kaha-main-v3 answered ${status}`);
    this.name = 'KahaRefusedError';
    this.status = status;
  }

  /** The same call may succeed later. */
  get isRetryable(): boolean {
    return this.status >= 500 || this.status === 429 || this.status === 408;
  }
}

/** The answer was cut off at 1 MiB. */
export class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLargeError';
}

export type KahaClient = {
  /** Calls `POST /api/batch/profiles` for at most 100 ids. */
  fetch(refs: readonly ProfileRef[], signal: AbortSignal): Promise<KahaAnswer>;
  close(): Promise<void>;
};

type Options = { url: string; serviceToken: string; connectionsMax: number };

const ANSWER_BYTES_MAX = 1024 * 1024;
const CONNECT_TIMEOUT = 'UND_ERR_CONNECT_TIMEOUT';
const TOO_LARGE = 'UND_ERR_RES_EXCEEDED_MAX_SIZE';
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
      const { name, code } = error as NodeJS.ErrnoException;
      if (code === TOO_LARGE) throw new AnswerTooLargeError('the answer is larger than 1 MiB');
      throw name === 'AbortError' ? error : new KahaUnreachableError(error);
    }
  };
  return {
    async fetch(refs, signal) {
      const body = JSON.stringify(requestOf(refs));
      const { status, text } = await post({ dispatcher, signal, headers, body });
      if (status !== 200) throw new KahaRefusedError(status);
      return readKahaAnswer(text, refs);
    },
    close: () => dispatcher.destroy(),
  };
}
