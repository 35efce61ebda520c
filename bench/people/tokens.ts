import { request } from 'undici';
import { boundedMap } from './bounded-map.ts';

const CHUNK_IDS = 500;
const IN_FLIGHT = 2;
const SINGLE_IN_FLIGHT = 16;
/** The tokens live longer than any run, so that nobody has to renew one. */
const TTL_S = 6 * 3_600;

/** Resolves with tokens for development from the kaha-main-v3 stand-in, in the order of the ids. */
export async function mintTokens(kahaUrl: string, userIds: readonly string[]): Promise<string[]> {
  const chunks: string[][] = [];
  for (let at = 0; at < userIds.length; at += CHUNK_IDS) {
    chunks.push(userIds.slice(at, at + CHUNK_IDS));
  }
  const minted = await boundedMap(chunks, IN_FLIGHT, (chunk) => mintChunk(kahaUrl, chunk));
  return minted.flat();
}

/** Asks for all tokens in one call, or in one call each if the stand-in knows no lists. */
async function mintChunk(kahaUrl: string, userIds: readonly string[]): Promise<string[]> {
  const reply = await post(kahaUrl, { user_ids: userIds, ttl_s: TTL_S });
  if (Array.isArray(reply.tokens)) return reply.tokens as string[];
  return boundedMap(userIds, SINGLE_IN_FLIGHT, async (userId) => {
    const { token } = await post(kahaUrl, { user_id: userId, ttl_s: TTL_S });
    return String(token);
  });
}

async function post(kahaUrl: string, body: object): Promise<Record<string, unknown>> {
  const { statusCode, body: answer } = await request(`${kahaUrl}/_dev/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (statusCode !== 200) throw new Error(`no token: ${statusCode} ${await answer.text()}`);
  return (await answer.json()) as Record<string, unknown>;
}
