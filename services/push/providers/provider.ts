/** A registration is where the pushes of one device go. Its secrets stand here in clear. */
export type PushRegistration = ApnsRegistration | FcmRegistration | WebPushRegistration;

export type ProviderName = PushRegistration['provider'];

type Registered = {
  /** The device registered at this time, in milliseconds since 1970. */
  registeredAtMs: number;
};

export type ApnsEnvironment = 'production' | 'sandbox';

export type ApnsRegistration = Registered & {
  provider: 'apns';
  token: string;
  topic: string;
  environment: ApnsEnvironment;
};

export type FcmRegistration = Registered & { provider: 'fcm'; token: string };

export type WebPushRegistration = Registered & {
  provider: 'webpush';
  /** The public key of the browser (65 bytes) and its secret (16 bytes) are in base64url. */
  subscription: { endpoint: string; keys: { p256dh: string; auth: string } };
};

/** The client opens the message by these. Nothing else in a push has an id of a conversation. */
type PushData = { conversation_id: string; message_id: string; seq: number };

/** An alert is what a person sees. It is right alone, because a provider may keep only the last. */
export type PushAlert = {
  kind: 'alert';
  /** The title is absent where the person wants no content. The device shows the app's name. */
  title?: string;
  body: string;
  /** This is a keyed hash of the conversation: at most 32 characters of base64url. */
  thread: string;
  badge: number;
  data: PushData;
  expiresAtMs: number;
};

/** A badge update is silent. Web push has none, so nobody sends one there. */
type PushBadge = { kind: 'badge'; badge: number; expiresAtMs: number };

export type Push = PushAlert | PushBadge;

/**
 * An answer is what one try came to. A provider makes it from the status and the body of the
 * response, by a pure function.
 */
export type PushAnswer =
  | { kind: 'taken' }
  /** The registration is no more, as of this time if the provider tells one. */
  | { kind: 'gone'; sinceMs?: number }
  /** The token belongs to the other environment, or to none. */
  | { kind: 'wrong_environment' }
  | { kind: 'too_large' }
  /** The provider wants less of us, for this device or altogether. */
  | { kind: 'slow_down'; retryAfterMs?: number }
  /** The provider cannot take it now. It may take the same push later. */
  | { kind: 'unavailable'; reason: string; retryAfterMs?: number }
  /** No answer came, so the provider may have taken the push or not. */
  | { kind: 'lost'; reason: string }
  /** Our keys or our settings are wrong, and a person must mend them. */
  | { kind: 'our_fault'; reason: string }
  /** This push or this registration is refused for good, and no other is. */
  | { kind: 'refused'; reason: string };

/** A try tells the provider what differs from the registration and from earlier tries. */
export type PushTry = {
  /** All tries of a push have the same id, a UUID. */
  id: string;
  push: Push;
};

/**
 * A provider brings a push to one kind of device. It tries once, and it never rejects: what goes
 * wrong is an answer. Connections, their number and the time of a try are its own.
 */
export interface PushProvider<Registration extends PushRegistration = PushRegistration> {
  /**
   * Names the host that a try asks. Each host has its own breaker, bulkhead and rate, so that one
   * that hangs starves no other.
   */
  hostOf(registration: Registration): string;
  send(registration: Registration, push: PushTry): Promise<PushAnswer>;
  close(): Promise<void>;
}

/** These are the reasons for which a push is given up. They are labels of a metric. */
export type DropReason =
  /** The message was read, taken, muted or deleted meanwhile. */
  | 'not_wanted'
  /** The push came to the end of its time to live. */
  | 'expired'
  /** Five retries, or 15 minutes, did not bring it there. */
  | 'unavailable'
  | 'lost'
  | 'slow_down'
  /** Too many pushes wait. */
  | 'full'
  | 'too_large'
  | 'our_fault'
  | 'refused'
  /** The registration is gone, and the caller deletes it. */
  | 'gone'
  /** The provider says that the registration is gone, but as of before it was registered. */
  | 'gone_before'
  /** Too many registrations would go at once, so they stay. */
  | 'pruning_stopped'
  /** The service ends. */
  | 'closed'
  /** This provider is not configured, or the kind of push is not for it. */
  | 'not_configured';

export type PushOutcome =
  | {
      kind: 'sent';
      /** The other environment took it: the caller corrects the registration. */
      environment?: ApnsEnvironment;
    }
  | { kind: 'dropped'; reason: DropReason };

/**
 * A sender brings pushes to all providers. It retries a push at most five times within 15 minutes,
 * and resolves once the push is taken or given up. It never rejects.
 */
export interface PushSender {
  /**
   * `compose` makes the push anew before each try, so that a late one tells what is true then. If
   * it resolves with undefined, the push is no longer wanted. The caller deletes the registration
   * after the outcome `gone`, provided that it is still the one that was given here.
   */
  send(
    registration: PushRegistration,
    compose: () => Push | undefined | Promise<Push | undefined>,
  ): Promise<PushOutcome>;
  /** This many pushes wait for a try or for an answer. */
  waiting(provider: ProviderName): number;
  /** This many hosts of the provider are not asked now. */
  openCircuits(provider: ProviderName): number;
  close(): Promise<void>;
}
