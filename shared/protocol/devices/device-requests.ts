import Type, { type Static } from 'typebox';
import { described } from '../described.ts';
import { LIMITS } from '../limits.ts';
import { DeviceIdField } from '../scalars.ts';

/** These are the requests of clients about their devices. An unknown field is an error. */

const closed = { additionalProperties: false };

/** `24:00` is the end of the day, and no quiet hours begin then. */
const TIME_OF_DAY = '^(?:(?:[01]\\d|2[0-3]):[0-5]\\d|24:00)$';

export const PushContentField = Type.Union(
  [Type.Literal('full'), Type.Literal('sender'), Type.Literal('none')],
  {
    default: 'sender',
    description: 'A push shows the text, or who wrote, or neither.',
  },
);

const QuietHoursField = Type.Object(
  {
    time_zone: Type.String({
      minLength: 1,
      maxLength: LIMITS.timeZoneCharactersMax,
      description: 'The times are those of this IANA zone, such as `Asia/Kathmandu`.',
    }),
    from: Type.String({ pattern: TIME_OF_DAY, description: 'They begin each day at this time.' }),
    to: Type.String({
      pattern: TIME_OF_DAY,
      description: 'They end at this time, of the day after where it is before `from`.',
    }),
  },
  { ...closed, description: 'In these hours the device gets no alert.' },
);
export type QuietHours = Static<typeof QuietHoursField>;

const wishes = {
  content: Type.Optional(PushContentField),
  quiet_hours: Type.Optional(QuietHoursField),
};

/** An APNs token is so many bytes in hexadecimal digits. Apple may make it longer one day. */
const ApnsRegistration = Type.Object(
  {
    provider: Type.Literal('apns', { description: 'Apple brings the pushes.' }),
    token: Type.String({
      pattern: '^(?:[0-9A-Fa-f]{2}){32,100}$',
      description: 'The app got this token from iOS, here in hexadecimal digits.',
    }),
    topic: Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9.-]{0,254}$',
      description: 'The app has this bundle id.',
    }),
    environment: Type.Union([Type.Literal('production'), Type.Literal('sandbox')], {
      description: 'The token is good there alone.',
    }),
    ...wishes,
  },
  closed,
);

const FcmRegistration = Type.Object(
  {
    provider: Type.Literal('fcm', { description: 'Firebase Cloud Messaging brings the pushes.' }),
    token: Type.String({
      pattern: '^[A-Za-z0-9_:%.~-]{16,4096}$',
      description: 'Firebase gave this token to the app.',
    }),
    ...wishes,
  },
  closed,
);

/** A browser shows a subscription as JSON in this form. */
const SubscriptionField = Type.Object(
  {
    endpoint: Type.String({
      minLength: 1,
      maxLength: LIMITS.urlCharactersMax,
      description: 'The push service of the browser takes pushes at this address, over https.',
    }),
    keys: Type.Object(
      {
        p256dh: Type.String({
          pattern: '^[A-Za-z0-9_-]{87}$',
          description: 'This is the public key of the subscription, a point of P-256.',
        }),
        auth: Type.String({
          pattern: '^[A-Za-z0-9_-]{22}$',
          description: 'This is the secret of the subscription, of 16 bytes.',
        }),
      },
      { ...closed, description: 'A push is encrypted for these keys, in base64url.' },
    ),
    expirationTime: Type.Optional(
      Type.Union([Type.Number(), Type.Null()], {
        description: 'Browsers tell it too. The server does not use it.',
      }),
    ),
  },
  { ...closed, description: 'The browser has made this subscription.' },
);

const WebPushRegistration = Type.Object(
  {
    provider: Type.Literal('webpush', {
      description: 'The push service of a browser brings them.',
    }),
    subscription: SubscriptionField,
    ...wishes,
  },
  closed,
);

/** A device gets pushes by one of these. */
export const PushRegistration = Type.Union([
  ApnsRegistration,
  FcmRegistration,
  WebPushRegistration,
]);
export type PushRegistration = Static<typeof PushRegistration>;

/** A request without fields asks about the caller. */
export const OwnRequest = Type.Object({}, closed);

export const DeviceRequest = Type.Object({ device_id: DeviceIdField }, closed);

export const RegisterPushRequest = Type.Object(
  {
    device_id: DeviceIdField,
    registration: described(PushRegistration, 'The device gets pushes by this from now on.'),
  },
  closed,
);
