import type { Static, TProperties, TSchema } from 'typebox';
import type { ConversationRecord, Participants } from '../contracts/conversations.ts';
import type { MessageChange, MessageRecord, MessageUpdate } from '../contracts/messages.ts';
import type { ConversationId, EventId, UserId } from '../ids.ts';
import type { Validator } from '../protocol/validator.ts';

/**
 * A kind of durable event is told by one value of this type, in a file of its own. Store loads what
 * the outbox owes by it, a router makes the bytes by it, and an edge puts in names and documents
 * the frame by it. All its functions are pure.
 *
 *     outbox row ──load──► entry ──bodies, facts──► bytes ──names──► frame of the client
 */
export type DurableEvent<
  Payload extends TSchema,
  Data extends OwnData,
  Names extends NamesShown,
> = {
  /** The row names this: a message by its `seq`, or the conversation alone. */
  of: 'message' | 'conversation';
  /** The outbox row holds this, besides the place of what it tells of. */
  payload: Validator<Payload>;
  /** Makes the entry that a row owes. The result is undefined if what it tells of is gone. */
  load(row: EventRow<Static<Payload>>, found: Found): (Given & Data) | undefined;
  /** The event shows people in the manner of this, and the edge puts their names in. */
  names: Names;
  /** Makes what the users get, without `type`, `q` and names. Who has no body gets no event. */
  bodies(entry: EntryAddress & Data): Bodies<NamelessBodies[Names]>;
  /** Tells what the header of the event and the feed say of it, besides its place. */
  facts(entry: EntryAddress & Data): Facts;
  /** The frame that clients get has these fields, besides `type` and `q`. */
  fields: TProperties;
  /** One line for the documents says when the server sends the frame. */
  summary: string;
};

/** A table has the durable events by kind, which is the frame's `type` and fits `[a-z_]{1,32}`. */
export type DurableEvents = Readonly<Record<string, DurableEvent<TSchema, object, NamesShown>>>;

/**
 * The event has the body of one of these, and shows the same people. `nobody` has no names, so an
 * edge does not parse the event.
 */
export type NamelessBodies = {
  message: MessageRecord;
  conversation: { conversation: ConversationRecord };
  nobody: object;
};
export type NamesShown = keyof NamelessBodies;

type Bodies<Body> = {
  /** All users get this body who have none of their own. Without it, they get no event. */
  all?: Body;
  /** Users who share a body, which is one object then, share its bytes too. */
  own?: ReadonlyMap<UserId, Body>;
};

/** A row of the outbox, or of the log of past events, tells this of its event. */
export type EventRow<Payload = unknown> = {
  event_id: EventId;
  conversation_id: ConversationId;
  /** The row tells of the message with this `seq`, if of a message. */
  seq: number | null;
  payload: Payload;
  /** The change was written at this time, ISO 8601. */
  created_at: string;
};

/** Store has found this about the conversation of a row. */
export type Found = {
  participants: Participants;
  /** Is undefined if the row names no message, or one that is gone. */
  message: FoundMessage | undefined;
  /** Shows the conversation to a user. The result is undefined if the user does not take part. */
  recordFor(userId: UserId): ConversationRecord | undefined;
};

export type FoundMessage = {
  seq: number;
  /** The message replies to the message with this `seq`. */
  repliedSeq: number | null;
  /**
   * Shows the message as it is now, with its reply preview. It has no content where store loads a
   * past event for the feed, which needs only the recipients and the facts.
   */
  record(): MessageRecord;
  /** Tells of a change of the message, and all of the message that can change, as it is now. */
  update(recorded: { change: MessageChange; version: number }): MessageUpdate;
};

/** A kind gives this of its event, besides its own data. */
type Given = {
  /** These users get the event, and `bodies` makes a body for each of them. */
  user_ids: readonly UserId[];
  /** The change happened at this time, ISO 8601. */
  at: string;
  /**
   * The event tells its users that they take part no more. They get it once all earlier events have
   * settled.
   */
  closes_membership?: true;
  /** The event shows the conversation as of this version. Store adds the current one otherwise. */
  version?: number;
};

/** Store adds this to what the kind gives. */
type Added = {
  event_id: EventId;
  conversation_id: ConversationId;
  /** This is the version of the conversation, if store read it. */
  version?: number;
};

/** A claim adds what earlier fan-outs have noted in the row. */
type Noted = {
  /** The event is still owed to these users alone. The field is absent if nobody has the event. */
  missed?: readonly UserId[];
  /** This says that the feed has the event. */
  is_fed?: true;
};

/** Every entry of the outbox tells this. A store of the version before leaves `at` out. */
type EntryAddress = Omit<Given, 'at'> & Partial<Pick<Given, 'at'>> & Added & Noted;

/** The data of a kind has no field of the address, so that it can change nothing there. */
type OwnData = object & { [Field in keyof EntryAddress | 'kind']?: never };

type Facts = {
  /** Says what has changed, as in the frame of the event. */
  change?: string;
  /** The header of the event has this `seq` too, and else 0. */
  seq?: number;
  version?: number;
  /** The header of the event names this sender too. */
  sender_id?: UserId;
};
