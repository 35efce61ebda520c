import { AckFrame } from '../../../shared/protocol/client-frames.ts';
import type { Delivery } from '../delivery.ts';
import { defineOperation, type Operation } from './operation.ts';

export function ackOperation(delivery: Delivery): Operation {
  return defineOperation({
    type: 'ack',
    cost: 'free',
    schema: AckFrame,
    handle: (frame, { session }) => delivery.acknowledge(session, frame.q),
  });
}
