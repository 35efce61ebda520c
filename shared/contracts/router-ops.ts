import type { ConversationId, EventId, UserId } from '../ids.ts';
import type { ReactionsShape, ReadShape } from '../protocol/shapes.ts';
import type { TypingRequest } from '../protocol/socket-requests.ts';
import type { BusinessCommands, PresenceReport } from './businesses.ts';
import type {
  ConversationCommands,
  ConversationCreate,
  ConversationRecord,
  InConversation,
} from './conversations.ts';
import type { EraseContent, EraseUser, JobBegun } from './jobs/erasures.ts';
import type {
  HistoryMessage,
  MessageEdit,
  MessageInput,
  MessageReaction,
  MessageSent,
  MessageTarget,
} from './messages.ts';
import type { DeliveredItem, ReadInput } from './positions.ts';
import type { OfDevice } from './store-ops.ts';

export type SessionOpen = {
  user_id: UserId;
  device_id: string;
  /**
   * The opening began at this epoch, which the session keeps. An opening never takes the device
   * from a session with a higher one. An edge of the version before leaves it out, and the router
   * gives the epoch.
   */
  epoch?: number;
  /**
   * The token of the session was issued at this time, in epoch ms; 0 where it does not say so. An
   * edge of the version before leaves it out, which counts as 0.
   */
  issued_at?: number;
  resync?: boolean;
  /**
   * A router has told the edge that the device's queue is void. Another router may not have heard
   * of it, so the asked one looks whether the queue that it knows exists.
   */
  is_void?: true;
};
/**
 * An edge that is told `too_many_devices` closes the socket 4504. `is_older` says that the device
 * has a session whose opening began later; the edge closes the socket 4505. `is_erased` says that
 * the user was erased, and the edge closes the socket 4503. `epoch` orders the sessions of one
 * device: the newer session has the higher one.
 */
export type SessionOpened =
  | ({ resumed: boolean; epoch: number } & NotRefused)
  | (Omit<NotRefused, 'too_many_devices'> & { too_many_devices: true })
  | (Omit<NotRefused, 'is_older'> & { is_older: true })
  | (Omit<NotRefused, 'is_erased'> & { is_erased: true });
type NotRefused = { too_many_devices?: undefined; is_older?: undefined; is_erased?: undefined };

/**
 * An edge asks whether the queues exist on which its open sessions rely, as [user, device]. A
 * request holds at most 500 devices.
 */
export type QueuesCheck = { devices: [UserId, string][] };
/**
 * `unknown` has the indexes of the devices that have no queue. `unsaid` has those about which
 * JetStream did not answer in time. A router that may not know all queues cannot say anything.
 */
export type QueuesChecked =
  | { unknown: number[]; unsaid: number[]; cannot_say?: undefined }
  | { cannot_say: true };

/**
 * A session ends its own typing only. If `was_told` comes with the end, the router tells the end to
 * the other participants even if it does not know of the typing, because a router that has died
 * since may have told them that the session types.
 */
export type TypingInput = { user_id: UserId; session_id: string; was_told?: true } & TypingRequest;

/**
 * An edge tells that a client acknowledged an event that no offer had brought to it in time, as
 * [conversation, user, device, event, seq, epoch ms, was the client in use]. An event without a
 * `seq` has 0 here.
 */
export type LateTake = [ConversationId, UserId, string, EventId, number, number, boolean];

type Showing =
  | 'conversations.update'
  | 'conversations.add'
  | 'conversations.assign'
  | 'conversations.release'
  | 'conversations.close'
  | 'conversations.reopen';
/** These are answered with the record that the caller sees afterwards. */
type Changes = {
  [Op in keyof ConversationCommands]: [
    InConversation & ConversationCommands[Op],
    Op extends Showing ? ConversationRecord : undefined,
  ];
};

/**
 * A router answers these operations on `rpc.router.<instance>`: operation → [request, reply]. All
 * are commands, and no reply holds a name: an edge reads from store, and puts names in itself.
 */
export type RouterOps = {
  message: [MessageInput, MessageSent];
  /**
   * UNAUTHENTICATED refuses a device that was signed out since its token was issued. Only a device
   * that needs a new queue is refused so, because a device that was signed out has none.
   */
  'session.open': [SessionOpen, SessionOpened];
  /** Names the devices of a user that have a queue, and tells whether each has a session. */
  'devices.connected': [{ user_id: UserId }, { devices: [string, boolean][] }];
  /**
   * Ends the session of the device on whatever edge, and takes its queue and registration away.
   * NOT_FOUND refuses a device that nobody knows.
   */
  'devices.sign_out': [OfDevice, undefined];
  'queues.check': [QueuesCheck, QueuesChecked];
  /** A request holds at most 1000 items. The answer comes once the stream RECEIPTS has them. */
  delivered: [{ items: DeliveredItem[] }, undefined];
  /** A request holds at most 1000 items. The answer says only that it came: this is best effort. */
  taken_late: [{ items: LateTake[] }, undefined];
  /** The answer says that store has looked at the agents among these users. */
  'agents.presence': [PresenceReport, undefined];
  read: [ReadInput, ReadShape];
  typing: [TypingInput, object];
  'conversations.create': [ConversationCreate, { created: boolean; record: ConversationRecord }];
  'messages.edit': [MessageEdit, HistoryMessage];
  'messages.delete': [MessageTarget, HistoryMessage];
  'messages.react': [MessageReaction, ReactionsShape];
  'users.erase': [EraseUser, JobBegun];
  'conversations.erase_content': [EraseContent, JobBegun];
} & Changes &
  BusinessCommands;

/** The operation stands in the body of a request, because a router has one subject. */
export type RouterRequestOf<Op extends keyof RouterOps> = { op: Op } & RouterOps[Op][0];
export type RouterRequest = { [Op in keyof RouterOps]: RouterRequestOf<Op> }[keyof RouterOps];
