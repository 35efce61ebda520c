import type { PushTry } from '../provider.ts';

/** Push services refuse more than 4096 bytes, and encryption adds 103 to the text. */
const TEXT_BYTES_MAX = 4_096 - 103;
const TTL_S_MAX = 86_400;

type WebPushMessage = { headers: Record<string, string>; text: Buffer };

/**
 * Makes what the service worker of the page gets, and the headers for the push service. Alerts of
 * one conversation have one topic, of which the push service keeps the last, and one tag, of which
 * the browser shows the last. Returns undefined if it is too large.
 */
export function webPushMessage({ push }: PushTry, wallMs: number): WebPushMessage | undefined {
  if (push.kind === 'badge') return undefined;
  const { title, body, thread, badge, data, expiresAtMs } = push;
  const shown = { ...(title !== undefined && { title }), body, tag: thread, badge, data };
  const text = Buffer.from(JSON.stringify(shown));
  if (text.length > TEXT_BYTES_MAX) return undefined;
  const left = Math.floor((expiresAtMs - wallMs) / 1_000);
  const headers = {
    ttl: String(Math.max(0, Math.min(TTL_S_MAX, left))),
    urgency: 'high',
    topic: thread,
    'content-type': 'application/octet-stream',
    'content-encoding': 'aes128gcm',
  };
  return { headers, text };
}
