import { readKeySet, type SigningKey } from './signing-key.ts';

/** A slow key server must not eat the 5 s in which a client has to be authenticated. */
const ANSWER_TIMEOUT_MS = 2_000;
const ANSWER_BYTES_MAX = 256 * 1024;
const OK = 200;

/**
 * Asks the key server for its keys. Rejects where a whole answer is not there within 2 s, where it
 * is a redirect or has another status than 200, and where it is longer than 256 KiB or no JWKS.
 */
export async function askKeyServer(url: string): Promise<SigningKey[]> {
  const answer = await fetch(url, {
    redirect: 'manual',
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    headers: { accept: 'application/json' },
  });
  if (answer.status !== OK || answer.body === null) {
    await answer.body?.cancel();
    throw new Error(`the key server answered ${answer.status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new Error('the key server answered too much');
    chunks.push(chunk);
  }
  return readKeySet(Buffer.concat(chunks).toString('utf8'));
}
