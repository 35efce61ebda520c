import type { Tokens } from '../connection/tokens.ts';
import { ChatError } from '../errors.ts';
import type { Platform } from '../platform/platform.ts';
import type { WireError } from '../protocol/shapes.ts';

type Deps = { url: string; tokens: Tokens; platform: Platform };
type RestMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

const ANSWER_MS = 15_000;
const UNAUTHORIZED = 401;
const ERROR_MIN = 400;
const MS_PER_S = 1_000;

/**
 * Asks over HTTP. A call whose token is refused is repeated once with a fresh one. Errors are those
 * of the contract, and `DISCONNECTED` if no answer came.
 */
export class Rest {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** `path` begins behind `/api/v1`. An answer without a body resolves with undefined. */
  async call(method: RestMethod, path: string, body?: unknown): Promise<unknown> {
    const { status, ...answer } = await this.#try({ method, path, body }, false);
    if (status !== UNAUTHORIZED) return resultOf(status, answer);
    const { status: second, ...again } = await this.#try({ method, path, body }, true);
    return resultOf(second, again);
  }

  async #try(call: Call, isFresh: boolean): Promise<Answer> {
    const { url, tokens, platform } = this.#deps;
    const { fetch } = platform;
    if (fetch === undefined) throw new ChatError('DISCONNECTED', 'There is no fetch here');
    const headers: Record<string, string> = {
      authorization: `Bearer ${await tokens.get(isFresh)}`,
    };
    if (call.body !== undefined) headers['content-type'] = 'application/json';
    let timer: unknown;
    const timeout = new Promise<never>((_, reject) => {
      timer = platform.setTimeout(
        () => reject(new ChatError('TIMEOUT', 'No answer came')),
        ANSWER_MS,
      );
    });
    try {
      return await Promise.race([
        read(fetch, `${url}/api/v1${call.path}`, { ...call, headers }),
        timeout,
      ]);
    } finally {
      platform.clearTimeout(timer);
    }
  }
}

type Call = { method: RestMethod; path: string; body: unknown };
type Answer = { status: number; text: string; retryAfter: string | null };

async function read(
  fetch: NonNullable<Platform['fetch']>,
  url: string,
  { method, body, headers }: Call & { headers: Record<string, string> },
): Promise<Answer> {
  try {
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const answer = await fetch(url, init);
    const retryAfter = answer.headers.get('retry-after');
    return { status: answer.status, text: await answer.text(), retryAfter };
  } catch (cause) {
    throw new ChatError('DISCONNECTED', 'The server could not be reached', { cause });
  }
}

function resultOf(status: number, { text, retryAfter }: Omit<Answer, 'status'>): unknown {
  const body = readJson(text);
  if (status < ERROR_MIN) return body;
  const { error } = (body ?? {}) as { error?: WireError };
  if (error !== undefined) return fail(ChatError.fromWire(error));
  // Something between here and the server has answered, for example a proxy.
  const retryAfterMs = retryAfter === null ? undefined : Number(retryAfter) * MS_PER_S || undefined;
  return fail(new ChatError('DISCONNECTED', `HTTP status ${status}`, { retryAfterMs }));
}

function fail(error: ChatError): never {
  throw error;
}

function readJson(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch (error) {
    return void error;
  }
}
