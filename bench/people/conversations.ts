import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { boundedMap } from './bounded-map.ts';

/** An opening says who opens a conversation, where, and with whom. */
type Opening = { edgeUrl: string; token: string; others: readonly string[] };
export type OpenedConversation = { id: string; lastSeq: number; isNew: boolean };

type Answer = { status: number; body: Record<string, unknown> };

const IN_FLIGHT = 24;
const CONNECTIONS = 12;
const TRIES = 8;
const CREATED = 201;
const OK = 200;
/** Refusals with these statuses end by themselves. */
const RETRYABLE: readonly number[] = [429, 503, 504];
const MS_PER_S = 1_000;

/** Opens conversations by REST, few at a time. A direct conversation that exists is used again. */
export async function openConversations(
  openings: readonly Opening[],
): Promise<OpenedConversation[]> {
  const pools = new Map<string, Pool>();
  for (const { edgeUrl } of openings) {
    if (!pools.has(edgeUrl)) pools.set(edgeUrl, new Pool(edgeUrl, { connections: CONNECTIONS }));
  }
  try {
    return await boundedMap(openings, IN_FLIGHT, (opening) =>
      open(pools.get(opening.edgeUrl) as Pool, opening),
    );
  } finally {
    await Promise.all([...pools.values()].map((pool) => pool.destroy()));
  }
}

async function open(pool: Pool, opening: Opening): Promise<OpenedConversation> {
  const { token, others } = opening;
  const isDirect = others.length === 1;
  const body = isDirect ? { type: 'direct' } : { type: 'group', title: 'Bench' };
  let answer: Answer | undefined;
  for (let tries = 0; tries < TRIES; tries += 1) {
    answer = await post(pool, token, { ...body, participant_ids: others });
    const { status } = answer;
    if (status === CREATED || status === OK) {
      const { conversation_id: id, last_seq: lastSeq } = answer.body;
      return { id: String(id), lastSeq: Number(lastSeq), isNew: status === CREATED };
    }
    if (!RETRYABLE.includes(status)) break;
    const error = answer.body.error as { retry_after?: number } | undefined;
    const waitS = (error?.retry_after ?? 1) * (1 + Math.random());
    await delay(waitS * MS_PER_S);
  }
  throw new Error(`no conversation: ${answer?.status} ${JSON.stringify(answer?.body)}`);
}

async function post(pool: Pool, token: string, body: object): Promise<Answer> {
  const response = await pool.request({
    path: '/api/v1/conversations',
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = (await response.body.json()) as Record<string, unknown>;
  return { status: response.statusCode, body: answer };
}
