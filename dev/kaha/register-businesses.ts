import { setTimeout as delay } from 'node:timers/promises';
import type { BusinessSetUp } from './people.ts';

type Door = {
  edgeUrl: string;
  serviceToken: string;
  /** The registration is given up when this signal aborts. */
  signal?: AbortSignal;
};

export type RegisteredBusiness = {
  id: string;
  name: string;
  /** These are its agents now, by user id. */
  agents: { user_id: string; role: string }[];
};

type Answer = { status: number; body: Record<string, unknown> };

const CALL_MS = 10_000;
const TRIES = 10;
const MS_PER_S = 1_000;
/** Refusals with these statuses end by themselves. */
const RETRYABLE: readonly number[] = [429, 503, 504];

/**
 * Registers businesses as kaha-main-v3 does: over REST, with a service token. A business of which
 * anything is set already is left as it is, so that nobody's changes are undone. Resolves with what
 * is registered afterwards. Rejects if an edge refuses.
 */
export async function registerBusinesses(
  setUps: readonly BusinessSetUp[],
  door: Door,
): Promise<RegisteredBusiness[]> {
  const registered: RegisteredBusiness[] = [];
  for (const setUp of setUps) registered.push(await register(setUp, door));
  return registered;
}

async function register(setUp: BusinessSetUp, door: Door): Promise<RegisteredBusiness> {
  const { id, name, settings, agents } = setUp;
  const path = `/businesses/${id}`;
  const found = await ask(door, { method: 'GET', path });
  if (found.status === 404) {
    // The agents come first. If this process dies in between, the business works with the default
    // settings, whereas settings without an agent would leave customers waiting for ever.
    await change(door, { path: `${path}/agents`, body: { agents } });
    await change(door, { path, body: settings });
  } else if (found.status !== 200) throw refusal(path, found);
  const listed = await ask(door, { method: 'GET', path: `${path}/agents` });
  if (listed.status !== 200) throw refusal(path, listed);
  return { id, name, agents: listed.body.agents as RegisteredBusiness['agents'] };
}

async function change(door: Door, { path, body }: { path: string; body: object }): Promise<void> {
  const answer = await ask(door, { method: 'PUT', path, body });
  if (answer.status !== 200) throw refusal(path, answer);
}

type Call = { method: 'GET' | 'PUT'; path: string; body?: object };

async function ask({ edgeUrl, serviceToken, signal }: Door, call: Call): Promise<Answer> {
  const { method, path, body } = call;
  for (let tries = 1; ; tries += 1) {
    signal?.throwIfAborted();
    const response = await fetch(`${edgeUrl}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${serviceToken}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(CALL_MS),
    });
    const answer = { status: response.status, body: (await response.json()) as Answer['body'] };
    if (!RETRYABLE.includes(answer.status) || tries === TRIES) return answer;
    const { retry_after: retryAfterS = 1 } = (answer.body.error ?? {}) as { retry_after?: number };
    await delay(retryAfterS * MS_PER_S);
  }
}

function refusal(path: string, { status, body }: Answer): Error {
  return new Error(`The edge refused ${path}: ${status} ${JSON.stringify(body)}`);
}
