import type { DurableEventKind } from '../../../shared/contracts/events.ts';
import { DURABLE_EVENTS } from '../../../shared/durable-events/durable-events.ts';
import type { serverFrames } from '../../../shared/protocol/server-frames.ts';

type Type = keyof typeof serverFrames;

const kindSummaries = Object.fromEntries(
  Object.entries(DURABLE_EVENTS).map(([kind, { summary }]) => [kind, summary]),
) as Record<DurableEventKind, string>;

/** One line for `/asyncapi.json` says when the server sends each of its frames. */
export const EVENT_SUMMARIES: Readonly<Record<Type, string>> = {
  reply: 'This answers a frame that carried an `id`',
  error: 'A frame could not be carried out',
  auth_ok: 'The socket is authenticated. No event comes before this',
  ...kindSummaries,
  receipt: 'The delivered or read position of another participant has risen',
  unread: 'The count of unread messages has changed by reading, on whatever device',
  typing: 'Another participant is typing, or has stopped',
  inbox: 'The inbox of a business that is watched has changed',
  presence: 'A user or a business that is watched came online or went offline',
  profile_updated: 'Name or picture of somebody, or of a business, has changed',
  pong: 'This answers `ping`',
  replay_end: 'The replay for a new queue has ended: acknowledge it',
  resync: 'The queue may be incomplete: list conversations and read history again',
  token_expiring: 'The token ends soon: renew it with `auth`',
  going_away: 'The edge is about to end: close and come back then',
};
