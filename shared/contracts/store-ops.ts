import type { BusinessId, ConversationId, EventId, JobId, UserId } from '../ids.ts';
import type { BusinessSettings } from '../protocol/business-shapes.ts';
import type { PushRegistration } from '../protocol/devices/device-requests.ts';
import type { DeviceShape } from '../protocol/devices/device-shapes.ts';
import type { ExportRequest, ExportShape } from '../protocol/export-shapes.ts';
import type { ReactionsShape } from '../protocol/shapes.ts';
import type { AppendReply, AppendRequest } from './append.ts';
import type {
  AssignmentClaim,
  AssignmentLease,
  AssignmentRead,
  PossibleStep,
} from './assignment.ts';
import type { InboxStep } from './business-signals.ts';
import type {
  AgentsList,
  AgentsPage,
  BusinessChanges,
  BusinessOpening,
  OfBusiness,
  PresenceReport,
} from './businesses.ts';
import type { ContactsList, ContactsPage, ContactsShared, SharedContacts } from './contacts.ts';
import type {
  ConversationCommand,
  ConversationCreate,
  ConversationRecord,
  ConversationsList,
  InConversation,
  Participants,
} from './conversations.ts';
import type { EventsPage, EventsRange } from './feed.ts';
import type { InboxHead, InboxList, InboxPage } from './inbox-reads.ts';
import type { EraseContent, ErasedList, ErasedPage, EraseUser, JobBegun } from './jobs/erasures.ts';
import type { JobLease, JobProblem, JobStatus, JobStep, JobStepAsked } from './jobs/jobs.ts';
import type {
  HistoryMessage,
  HistoryPage,
  HistoryRequest,
  MessageEdit,
  MessagePlace,
  MessageReaction,
  MessageTarget,
  NamedMessage,
  UndeliveredPage,
} from './messages.ts';
import type { ConversationChanged, OutboxEntry, OutboxMissed } from './outbox.ts';
import type { ConversationPositions, ReadInput, ReadResult } from './positions.ts';
import type { PushAnswers, PushBadge, PushQuestion, PushSettled } from './pushes/push-facts.ts';

export type ExpireRequest = {
  /** This is the time by the clock of whoever asks. */
  asked_at: string;
  /** At most so many messages are cleared, and at most 5000. */
  limit: number;
};

export type Expired = {
  /** These partitions are past the retention time as a whole, as this request has found. */
  marked: string[];
  /** So many messages were passed, and so many rows that hang on them are gone. */
  messages: number;
  keys: number;
  reactions: number;
  revisions: number;
  /** There is more to clear. */
  left: boolean;
  /** Nothing goes for this reason. */
  held?: string;
  /** So many partitions ought to be gone, the oldest of them since so many seconds. */
  partitions_due: number;
  oldest_due_s: number;
};

export type Dropped = {
  dropped: string[];
  /** So many partitions are cleared and could not be dropped yet. */
  left: number;
};

/** A reply without an `entry` says that nothing has changed. */
type Changed<Reply> = Reply & { entry?: OutboxEntry };

/**
 * A device had a session `ago_ms` before the request was made. Edges tell an age and no time, so
 * the clocks of their hosts play no part. `issued_at` is the time of the session's token in epoch
 * ms, and edges of an older version leave it out.
 */
export type DeviceSeen = [user_id: UserId, device_id: string, ago_ms: number, issued_at?: number];

/** Store notes at most this many devices at once. */
export const DEVICES_SEEN_MAX = 1_000;

/** `created_at` is the time at which store heard of the device first. */
export type DeviceRecord = { device_id: string; last_seen_at: string; created_at: string };

/** A request names a device of a user. */
export type OfDevice = { user_id: UserId; device_id: string };

/** A device that is listed was there once, or is registered for pushes. */
export type ListedDevice = Omit<DeviceShape, 'is_connected'>;

/** `has_queue` makes a device known of which store has not heard. */
export type DeviceSignOut = OfDevice & { has_queue: boolean };

/** The caller's token was issued at `issued_at`, in epoch ms; 0 where it does not say so. */
export type PushRegister = OfDevice & { issued_at: number; registration: PushRegistration };

/** The record of an export has `service`, the name of the token that asked first. */
export type ExportAsked = ExportRequest & { service: string };

/**
 * Store answers these operations on `rpc.store.<op>`: operation → [request, reply]. Times are ISO
 * 8601 UTC with milliseconds, unless a name ends in `_ms`.
 */
export type StoreOps = {
  'messages.append': [AppendRequest, AppendReply];
  'messages.history': [HistoryRequest, HistoryPage];
  'messages.undelivered': [{ user_id: UserId; cursor?: string }, UndeliveredPage];
  /** Here and below, MESSAGE_NOT_FOUND refuses a message that the user cannot see. */
  'messages.locate': [NamedMessage, MessagePlace];
  'messages.get': [NamedMessage, HistoryMessage];
  'messages.edit': [MessageEdit, Changed<{ message: HistoryMessage }>];
  'messages.delete': [MessageTarget, Changed<{ message: HistoryMessage }>];
  'messages.react': [MessageReaction, Changed<ReactionsShape>];
  'conversations.create': [
    ConversationCreate,
    Changed<{ created: boolean; record: ConversationRecord }>,
  ];
  'conversations.get': [InConversation, { record: ConversationRecord }];
  'conversations.list': [
    ConversationsList,
    { records: ConversationRecord[]; next_cursor: string | null },
  ];
  'conversations.participants': [{ conversation_id: ConversationId }, Participants];
  /**
   * Pages name the users who share a conversation with a user (who is named too) or with a
   * business.
   */
  'contacts.list': [ContactsList, ContactsPage];
  /** The reply names those of `user_ids` who share a conversation with `user_id`. */
  'contacts.shared': [ContactsShared, SharedContacts];
  'conversations.change': [ConversationCommand, ConversationChanged];
  /** A request holds at most 500 reads, and the results have their order. */
  'positions.read': [{ reads: ReadInput[] }, { results: ReadResult[] }];
  /** A request holds at most 1000 ids. A conversation that does not exist is absent. */
  'positions.list': [
    { conversation_ids: ConversationId[] },
    { conversations: ConversationPositions[] },
  ];
  /**
   * Leases the named owed fan-outs at once, or up to `limit` that are older than 5 s, oldest first;
   * those that only the feed lacks come last. The feed has all that happened before `oldest_at` and
   * can be read. If it lacks nothing, that is 10 s ago, or 10 s before the oldest transaction that
   * has not ended. Where there are entries, `claimed_at` is the time of the claim by the clock of
   * Postgres, which also gave the times of the entries. Store of the last version leaves both out.
   */
  'outbox.claim': [
    { event_ids?: EventId[]; limit: number; lease_ms: number },
    { entries: OutboxEntry[]; oldest_at?: string; claimed_at?: string },
  ];
  /** The reply names the events that are still owed to users. */
  'outbox.owed': [{ event_ids: EventId[] }, { event_ids: EventId[] }];
  'outbox.done': [{ event_ids: EventId[] }, { deleted: number }];
  /**
   * Notes in owed rows which users lack the event (null: nobody is known to have it), and whether
   * the feed has it. A request holds at most 500 items. The last note of a row counts.
   */
  'outbox.missed': [{ items: OutboxMissed[] }, { written: number }];
  /**
   * Tells durable events of the past again, in the order of their times, to those who get them now.
   * Store does not know who took them, and forgets those that are no messages after 8 days. A page
   * has at most 500 events and 512 KiB.
   */
  'events.between': [EventsRange, EventsPage];
  /** Forgets up to `limit` of these events, at most 5000. */
  'events.prune': [{ limit: number }, { deleted: number }];
  /**
   * Notes when devices had a session last. A request holds at most 1000 items. A time only rises,
   * and a user keeps the 50 devices that were seen last.
   */
  'devices.seen': [{ items: DeviceSeen[] }, undefined];
  /** Lists at most 50 devices of a user, the one that was seen last first. */
  'devices.of': [{ user_id: UserId }, { devices: DeviceRecord[] }];
  /** Lists the devices of a user with their registrations, the one that was seen last first. */
  'devices.list': [{ user_id: UserId }, { devices: ListedDevice[] }];
  /**
   * Forgets a device and its registration, and notes when. The reply tells whether there was such a
   * device.
   */
  'devices.sign_out': [DeviceSignOut, { signed_out: boolean }];
  /** Tells when the device was signed out last, if it ever was. */
  'devices.signed_out': [OfDevice, { signed_out_at?: string }];
  /** Forgets up to `limit` of what nobody has needed for 400 days of each kind, at most 5000. */
  'devices.prune': [{ limit: number }, { deleted: number }];
  /**
   * The device gets pushes from now on, and no other device does by its token. UNAUTHENTICATED
   * refuses a token of the caller from before the device was signed out, and CONFLICT a 21st
   * registered device of a user.
   */
  'push.register': [PushRegister, undefined];
  'push.unregister': [OfDevice, undefined];
  /**
   * Tells what is true now of messages that users may get a push of, in the order of the questions.
   * An answer may leave out the last ones.
   */
  'push.facts': [{ questions: PushQuestion[] }, PushAnswers];
  /** Tells the badges of at most 100 users. A user without a registered device is left out. */
  'push.badges': [{ user_ids: UserId[] }, { users: PushBadge[] }];
  /** Forgets or corrects a registration, unless another one has taken its place. */
  'push.settle': [PushSettled, undefined];
  /** A page of what a person wrote. The first page makes a record of the export. */
  'users.export': [ExportAsked, ExportShape];
  'partitions.ensure': [
    { weeks_ahead: number },
    { created: string[]; last_until: string; ahead: number },
  ];
  /** Marks and clears messages whose time is over, one step at a time. */
  'retention.expire': [ExpireRequest, Expired];
  /** Drops up to `limit` partitions that are cleared, if nobody uses them. */
  'retention.drop': [{ limit: number }, Dropped];
  /** Forgets up to `limit` texts that people replaced or deleted, at most 5000. */
  'revisions.prune': [{ limit: number }, { deleted: number }];
  /** Forgets up to `limit` old steps of the logs of businesses, at most 5000. */
  'steps.prune': [{ limit: number }, { deleted: number }];
  /** FORBIDDEN refuses a user who is no agent; NOT_FOUND tells a service of no such business. */
  'businesses.get': [OfBusiness, BusinessSettings];
  'businesses.agents': [AgentsList, AgentsPage];
  /** Tells anybody whether ≤ 200 businesses are open now and have somebody who is available. */
  'businesses.openings': [{ business_ids: BusinessId[] }, { businesses: BusinessOpening[] }];
  /** FORBIDDEN refuses those who are no agents of the business. */
  'inbox.list': [InboxList, InboxPage];
  /** A request names ≤ 1000 users. An edge judges by the answer who may hear of the inbox. */
  'inbox.head': [{ business_id: BusinessId; user_ids: UserId[] }, InboxHead];
  /**
   * Tells the newest step of an inbox again, with the conversation as it is now. The answer has no
   * `step` if there is none, or none that can be told again.
   */
  'inbox.newest': [{ business_id: BusinessId }, { version: number; step?: InboxStep }];
  /** Leases ≤ 100 businesses that may have something to give out, and plans it. */
  'assignment.claim': [{ limit: number; lease_ms: number }, { claims: AssignmentClaim[] }];
  /**
   * Refuses the user for good, and begins the job that erases them. A repeat is answered with the
   * job that is under way. CONFLICT: too many were erased.
   */
  'users.erase': [EraseUser, JobBegun];
  /** Begins the job that erases what a conversation has said by now. */
  'conversations.erase_content': [EraseContent, JobBegun];
  'users.erased': [ErasedList, ErasedPage];
  /** Tells whether the user was erased. */
  'users.is_erased': [{ user_id: UserId }, { is_erased: boolean }];
  /** NOT_FOUND: there is no such job. */
  'jobs.get': [{ job_id: JobId }, JobStatus];
  /** Leases up to `limit` jobs, at most 100, that nobody runs. */
  'jobs.claim': [{ limit: number; lease_ms: number }, { jobs: JobLease[] }];
  /** Takes the next step of a job, in less than a second. */
  'jobs.step': [JobStepAsked, JobStep];
  /** Ends the lease. The job is tried again later, and has failed after ten such problems. */
  'jobs.problem': [JobProblem, undefined];
  /** Renews the lease of a business, and plans what it gives out. */
  'assignment.read': [AssignmentLease & { lease_ms: number }, AssignmentRead];
  /** Ends the lease. The business is due at `at`, unless a step has made it due by now. */
  'assignment.done': [AssignmentLease & { at: string | null }, { is_due: boolean }];
  /** Looks for ≤ 1 s at ≤ 50 businesses that nobody has looked at for `idle_ms`. */
  'assignment.sweep': [
    { limit: number; idle_ms: number },
    { swept: number; has_more: boolean; possible: PossibleStep[] },
  ];
  /** Counts those of the steps that are possible still, and makes their businesses due. */
  'assignment.finds': [{ possible: PossibleStep[] }, { finds: number }];
  /** The reply names businesses in which an agent has come or gone. */
  'agents.presence': [PresenceReport, { business_ids: BusinessId[] }];
} & BusinessChanges;
