import { encodeQueueMarker } from '../../../shared/contracts/events.ts';
import { queueName } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type EventId, newId } from '../../../shared/ids.ts';
import type { Device } from './known-queues.ts';
import type { NotStored, QueuePublisher } from './queue-publisher.ts';

type Deps = {
  publisher: Pick<QueuePublisher, 'publish'>;
  /** Voids the deepest queues of the shard that the device's queue is in. */
  makeRoomBeside: (device: Device) => Promise<void>;
};

/**
 * Puts a marker into the new queue of a device, so that the device is told of it however often its
 * session ends before. Resolves once the queue has the marker. If the shard is full or the publish
 * fails, the router tries once more with the same id, so the queue never holds the marker twice.
 */
export async function putMarker(deps: Deps, device: Device): Promise<void> {
  const id = newId<EventId>();
  const refusal = await publish(deps, device, id);
  if (refusal === undefined) return;
  if (refusal.what === 'shard full') await deps.makeRoomBeside(device);
  const again = await publish(deps, device, id);
  if (again === undefined) return;
  throw new KahaError('MESSAGING_UNAVAILABLE', `No marker in the queue: ${again.reason}`);
}

function publish({ publisher }: Deps, device: Device, id: EventId) {
  return new Promise<NotStored | undefined>((resolve) => {
    publisher.publish({
      ...{ device, name: queueName(device.userId, device.deviceId) },
      ...{ payload: encodeQueueMarker(id), msgId: id },
      stored: () => resolve(undefined),
      notStored: resolve,
    });
  });
}
