import type { FcmRegistration, Push, PushTry } from '../provider.ts';

/** FCM refuses messages of which the data and the notification are larger. */
const BODY_BYTES_MAX = 4_096;
const TTL_S_MAX = 86_400;

/**
 * Makes the body of `messages:send`, or returns undefined if it is too large. Alerts of one
 * conversation have one tag, and the device shows the last one of a tag. There is no
 * `collapse_key`, because FCM lets only twenty of a key through and then one in three minutes.
 */
export function fcmMessage(
  { token }: FcmRegistration,
  { push }: PushTry,
  wallMs: number,
): Buffer | undefined {
  const left = Math.floor((push.expiresAtMs - wallMs) / 1_000);
  const ttl = `${Math.max(0, Math.min(TTL_S_MAX, left))}s`;
  const message = push.kind === 'alert' ? alertOf(push, ttl) : badgeOf(push, ttl);
  if (Buffer.byteLength(JSON.stringify(message)) > BODY_BYTES_MAX) return undefined;
  return Buffer.from(JSON.stringify({ message: { token, ...message } }));
}

function alertOf({ title, body, thread, badge, data }: Push & { kind: 'alert' }, ttl: string) {
  const { conversation_id, message_id, seq } = data;
  return {
    notification: { ...(title !== undefined && { title }), body },
    // FCM takes texts alone here.
    data: { conversation_id, message_id, seq: String(seq), badge: String(badge) },
    android: {
      ...{ priority: 'HIGH', ttl },
      notification: { tag: thread, notification_count: badge },
    },
  };
}

/** The app sets the number itself, because a message without a notification shows nothing. */
function badgeOf({ badge }: Push & { kind: 'badge' }, ttl: string) {
  return { data: { badge: String(badge) }, android: { priority: 'NORMAL', ttl } };
}
