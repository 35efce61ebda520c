import { request } from 'undici';

const MS_PER_S = 1_000;
/** The server answers only after the whole time of sampling, and then has this long. */
const ANSWER_MS = 30_000;

/** NATS samples its own CPU for this many seconds, and answers with a profile in gzip. */
export async function profileNats(port: number, seconds: number): Promise<Buffer> {
  const url = `http://127.0.0.1:${port}/debug/pprof/profile?seconds=${seconds}`;
  const timeoutMs = seconds * MS_PER_S + ANSWER_MS;
  const options = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs };
  const { statusCode, body } = await request(url, options);
  if (statusCode !== 200) throw new Error(`no profile: ${statusCode} ${await body.text()}`);
  return Buffer.from(await body.arrayBuffer());
}
