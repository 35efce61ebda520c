import { PingFrame } from '../../../shared/protocol/client-frames.ts';
import type { Hub } from '../hub.ts';
import { pongFrame } from '../socket-frames.ts';
import { defineOperation, type Operation } from './operation.ts';

/** The answer is the event `pong`. */
export function pingOperation(hub: Hub): Operation {
  return defineOperation({
    type: 'ping',
    summary: 'Shows that the client is alive',
    cost: 'free',
    schema: PingFrame,
    answer: 'pong',
    handle: (frame, { session }) => hub.send(session, 'pong', pongFrame(frame.id)),
  });
}
