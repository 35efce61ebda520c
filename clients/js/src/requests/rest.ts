import type { Tokens } from '../connection/tokens.ts';
import { ChatError, fromWire } from '../errors.ts';
import { type Fetch, type Platform, within } from '../platform/platform.ts';
import type { WireError } from '../protocol/shapes.ts';

type Deps = { url: string; tokens: Tokens; platform: Platform };
export type RestMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
/** `path` begins behind `/api/v1`. An answer without a body resolves with undefined. */
export type Rest = (method: RestMethod, path: string, body?: unknown) => Promise<unknown>;

const ANSWER_MS = 15_000;
const UNAUTHORIZED = 401;
const ERROR_MIN = 400;

/**
 * Asks over HTTP. A call whose token is refused is repeated once with a fresh one. Errors are those
 * of the contract, and `DISCONNECTED` if no answer came, or one of something in between.
 */
export function createRest({ url, tokens, platform }: Deps): Rest {
  const call = async (
    { method, path, body }: Call,
    isFresh: boolean,
  ): Promise<Answer['answer']> => {
    const headers = {
      authorization: `Bearer ${await tokens.get(isFresh)}`,
      'content-type': 'application/json',
    };
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const asking = read(platform.fetch as Fetch, `${url}/api/v1${path}`, init);
    const { status, answer, ...more } = await within(platform, ANSWER_MS, asking);
    if (status === UNAUTHORIZED && !isFresh) return call({ method, path, body }, true);
    if (status < ERROR_MIN) return answer;
    throw fromWire(answer?.error ?? { ...more, code: 'DISCONNECTED', message: `HTTP ${status}` });
  };
  return (method, path, body) => call({ method, path, body }, false);
}

type Call = { method: RestMethod; path: string; body: unknown };
type Answer = { status: number; retry_after: number; answer?: { error?: WireError } };

async function read(fetch: Fetch, url: string, init: Parameters<Fetch>[1]): Promise<Answer> {
  try {
    const answer = await fetch(url, init);
    const { status, headers } = answer;
    const known = { status, retry_after: Number(headers.get('retry-after')) };
    const text = await answer.text();
    return text.startsWith('{') ? { ...known, answer: JSON.parse(text) } : known;
  } catch (error) {
    throw new ChatError('DISCONNECTED', String(error));
  }
}
