import type { LineEvent } from '../engine/line.ts';
import type { Entry } from '../outbox/entry.ts';
import type { WireError } from '../protocol/shapes.ts';

/** An application sees so how the connection stands. */
export type ConnectionState = {
  /** A suspended client does not come back by itself: the server has refused it for good. */
  status: 'disconnected' | 'connecting' | 'connected' | 'suspended';
  /** The last connection ended with this code of the contract, or of WebSockets. */
  code?: number;
  reason?: string;
};

/** The tabs of one user say these to each other. `from` is a tab. */
export type TabMessage =
  /** A tab has come, or asks the leader whether it is alive. */
  | { say: 'hello' }
  /** The leader answers, and says so too when it has become the leader. */
  | { say: 'here'; from: string; number: number; state: ConnectionState; entries: readonly Entry[] }
  /** The leader numbers its events, so that a tab knows when it has missed one. */
  | { say: 'event'; from: string; number: number; event: LineEvent }
  | { say: 'state'; state: ConnectionState }
  /** The leader is to do this on its line. With an id it answers. */
  | { say: 'do'; method: LineMethod; argument: unknown; from: string; id: number | undefined }
  | { say: 'answer'; to: string; id: number; data?: unknown; error?: WireError }
  | { say: 'logout' };

/** A tab that follows may ask for these methods of the leader's line. */
export type LineMethod = 'ask' | 'tell' | 'add' | 'retry' | 'discard' | 'watch' | 'take';
