import type { ApnsRegistration, PushTry } from '../provider.ts';

/** APNs refuses larger bodies. */
const BODY_BYTES_MAX = 4_096;
const BADGE_THREAD = 'badge';
/** 10 is at once. 5 lets the device save power. */
const PRIORITY = { alert: '10', badge: '5' };

type ApnsMessage = { headers: Record<string, string>; body: Buffer };

/**
 * Makes the request of APNs, or returns undefined if it is too large. Alerts of one conversation
 * replace each other, so that a repeated one is not seen twice. `mutable-content` lets the app
 * change an alert before it is shown. A badge alone is an alert without a text: a push of the type
 * `background` may have none.
 */
export function apnsMessage(
  { token, topic }: ApnsRegistration,
  { id, push }: PushTry,
): ApnsMessage | undefined {
  const body = Buffer.from(JSON.stringify(push.kind === 'alert' ? alertOf(push) : badgeOf(push)));
  if (body.length > BODY_BYTES_MAX) return undefined;
  const headers = {
    ':method': 'POST',
    ':path': `/3/device/${token.toLowerCase()}`,
    'content-type': 'application/json',
    'apns-id': id,
    'apns-topic': topic,
    'apns-push-type': 'alert',
    'apns-priority': PRIORITY[push.kind],
    'apns-expiration': String(Math.floor(push.expiresAtMs / 1_000)),
    'apns-collapse-id': push.kind === 'alert' ? push.thread : BADGE_THREAD,
  };
  return { headers, body };
}

type Alert = PushTry['push'] & { kind: 'alert' };
type Badge = PushTry['push'] & { kind: 'badge' };

function alertOf({ title, body, thread, badge, data }: Alert): object {
  return {
    aps: {
      alert: { ...(title !== undefined && { title }), body },
      ...{ badge, sound: 'default', 'thread-id': thread, 'mutable-content': 1 },
    },
    ...data,
  };
}

function badgeOf({ badge }: Badge): object {
  return { aps: { badge } };
}
