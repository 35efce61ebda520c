import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { KAHA_PREFIX } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import { isUuidV4, newId } from '../../../shared/ids.ts';
import { EVENT_SUBJECTS } from './profile-events.ts';

/**
 * The event goes into the stream in this form. An event with the same `msgId` within 30 s is stored
 * once.
 */
export type WebhookEvent = { subject: string; id: string; msgId: string };

const BODY_BYTES_MAX = 64 * 1024;

/**
 * The body is `{"event":"user.profile.updated"|"business.profile.updated","id":"<uuid>"}`, at most
 * 64 KiB. A repeated call does no harm, and with an `Idempotency-Key` the repeat is not carried out
 * again. Refusals are PAYLOAD_TOO_LARGE and INVALID_REQUEST.
 */
export async function readWebhookCall(request: IncomingMessage): Promise<WebhookEvent> {
  const { event, id } = parse(await readBody(request));
  const subject = `${KAHA_PREFIX}${event}`;
  if (typeof event !== 'string' || !Object.hasOwn(EVENT_SUBJECTS, subject)) {
    throw new KahaError('INVALID_REQUEST', 'event is user.profile.updated or business.…');
  }
  const lower = typeof id === 'string' ? id.toLowerCase() : undefined;
  if (!isUuidV4(lower)) throw new KahaError('INVALID_REQUEST', 'id is a UUID');
  const key = request.headers['idempotency-key'];
  const own = key === undefined ? newId<string>() : digest(`${subject} ${lower} ${key}`);
  return { subject, id: lower, msgId: `webhook:${own}` };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = () => new KahaError('PAYLOAD_TOO_LARGE', 'The body is larger than 64 KiB');
  if (Number(request.headers['content-length'] ?? 0) > BODY_BYTES_MAX) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parse(body: Buffer): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>;
  } catch {
    throw new KahaError('INVALID_REQUEST', 'The body is not JSON');
  }
  throw new KahaError('INVALID_REQUEST', 'The body is not an object');
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
