import { PingFrame } from '../../../shared/protocol/client-frames.ts';
import { pongFrame } from '../server/socket-frames.ts';
import type { Hub } from '../session/hub.ts';
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
