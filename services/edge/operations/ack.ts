import { AckFrame } from '../../../shared/protocol/client-frames.ts';
import type { Delivery } from '../delivery/delivery.ts';
import { defineOperation, type Operation } from './operation.ts';

export function ackOperation(delivery: Delivery): Operation {
  return defineOperation({
    type: 'ack',
    summary: 'All events of the queue up to q are safe with the client',
    cost: 'free',
    schema: AckFrame,
    answer: null,
    handle: (frame, { session }) => delivery.acknowledge(session, frame.q),
  });
}
