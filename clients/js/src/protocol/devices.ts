/** A push shows the text, or who wrote, or neither. */
export type PushContent = 'full' | 'sender' | 'none';

export type Device = {
  device_id: string;
  /** The device has a session now. */
  is_connected: boolean;
  /** The time of a device that is connected may be an hour old. */
  last_seen_at?: string;
  created_at?: string;
  push?: { provider: 'apns' | 'fcm' | 'webpush'; content: PushContent; registered_at: string };
};

/** The device gets no alert in these hours. An end before its start is a day later. */
export type QuietHours = { time_zone: string; from: string; to: string };

/** A field that is left out has its default: pushes show who wrote, at any time. */
export type PushWishes = { content?: PushContent; quiet_hours?: QuietHours };

/** A browser has made this subscription, and shows it so by `toJSON`. */
export type PushSubscriptionInput = {
  endpoint: string;
  keys: { p256dh: string; auth: string };
};

export type PushRegistration = PushWishes &
  (
    | { provider: 'apns'; token: string; topic: string; environment: 'production' | 'sandbox' }
    | { provider: 'fcm'; token: string }
    | { provider: 'webpush'; subscription: PushSubscriptionInput }
  );
