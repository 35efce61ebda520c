import Type, { type Static } from 'typebox';
import { DeviceIdField } from '../scalars.ts';
import { PushContentField } from './device-requests.ts';

/** The server shows the devices of a user in these shapes. */

const PushShape = Type.Object(
  {
    provider: Type.Union([Type.Literal('apns'), Type.Literal('fcm'), Type.Literal('webpush')], {
      description: 'This provider brings the pushes.',
    }),
    content: PushContentField,
    registered_at: Type.String({ description: 'The device was registered last at this time.' }),
  },
  { description: 'The device gets pushes. One without it gets none.' },
);

export const DeviceShape = Type.Object({
  device_id: DeviceIdField,
  is_connected: Type.Boolean({ description: 'The device has a session now.' }),
  last_seen_at: Type.Optional(
    Type.String({
      description:
        'The device was there at this time. The time of one that is connected may be an hour old.',
    }),
  ),
  created_at: Type.Optional(
    Type.String({ description: 'The server heard of the device first at this time.' }),
  ),
  push: Type.Optional(PushShape),
});
export type DeviceShape = Static<typeof DeviceShape>;

export const DevicesShape = Type.Object({
  devices: Type.Array(DeviceShape, { description: 'The caller has these devices.' }),
});

export const WebPushKeyShape = Type.Object({
  public_key: Type.String({
    description: 'A browser subscribes with this VAPID key, as `applicationServerKey`.',
  }),
});
