import { encodeQueueMarker } from '../../../shared/contracts/events.ts';
import { queueName } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type EventId, newId } from '../../../shared/ids.ts';
import type { Device } from './known-queues.ts';
import type { QueuePublisher } from './queue-publisher.ts';

/**
 * Puts a marker into the new queue of a device, so that the device is told of it however often its
 * session ends before. Resolves once the queue has the marker.
 */
export function putMarker(
  publisher: Pick<QueuePublisher, 'publish'>,
  device: Device,
): Promise<void> {
  const id = newId<EventId>();
  return new Promise((resolve, reject) => {
    publisher.publish({
      ...{ device, name: queueName(device.userId, device.deviceId) },
      ...{ payload: encodeQueueMarker(id), msgId: id },
      stored: () => resolve(),
      notStored: ({ reason }) =>
        reject(new KahaError('MESSAGING_UNAVAILABLE', `No marker in the queue: ${reason}`)),
    });
  });
}
