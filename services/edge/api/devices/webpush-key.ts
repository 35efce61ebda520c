import { KahaError } from '../../../../shared/errors.ts';
import { OwnRequest } from '../../../../shared/protocol/devices/device-requests.ts';
import { WebPushKeyShape } from '../../../../shared/protocol/devices/device-shapes.ts';
import { EXAMPLE } from '../../../../shared/protocol/examples.ts';
import { defineOperation } from '../operation.ts';

export const getWebPushKey = defineOperation({
  summary: 'Tells the key with which a browser subscribes to pushes, or 404 where there are none',
  cost: 'read',
  request: OwnRequest,
  answer: WebPushKeyShape,
  example: { request: {}, answer: { public_key: EXAMPLE.vapidKey } },
  handle(_request, _caller, { push }) {
    if (push.publicKey !== undefined) return { public_key: push.publicKey };
    throw new KahaError('NOT_FOUND', 'Web push is not configured');
  },
  rest: [{ method: 'GET', path: '/push/webpush-key' }],
});
