import type { BusinessId, MessageId, UserId } from '../../ids.ts';
import type { PushRegistration, QuietHours } from '../../protocol/devices/device-requests.ts';
import type { ConversationType, InConversation } from '../conversations.ts';
import type { MessageType } from '../messages.ts';

/** A provider needs this to bring a push to a device. */
export type PushAddress = PushRegistration extends infer One
  ? One extends PushRegistration
    ? Omit<One, 'content' | 'quiet_hours'>
    : never
  : never;

/** A device is registered for pushes. */
export type PushDevice = {
  device_id: string;
  address: PushAddress;
  content: NonNullable<PushRegistration['content']>;
  quiet_hours?: QuietHours;
  registered_at: string;
};

/** A message was not deleted, and the user can see it. */
export type PushMessage = {
  message_id: MessageId;
  seq: number;
  sender_id: UserId;
  message_type: MessageType | 'system';
  sent_at: string;
  /** The user was added by this system message, or was assigned the conversation. */
  concerns_user?: 'added' | 'assigned';
  /** Only the newest messages have it, and at most 1700 UTF-16 units of it. */
  content?: string;
};

/** Push asks about messages that a user may be told of. */
export type PushQuestion = InConversation & { seqs: number[] };

/** A request has at most this many questions, and each question this many messages. */
export const PUSH_QUESTIONS_MAX = 32;
export const PUSH_SEQS_MAX = 600;

/** These facts hold at the moment of the answer. */
export type PushFacts = {
  devices: PushDevice[];
  read_seq: number;
  /** A device of the user has taken what is up to here. */
  delivered_seq: number;
  is_muted: boolean;
  /** Messages that the user cannot see any more are left out. */
  messages: PushMessage[];
  conversation: {
    type: ConversationType;
    title?: string;
    business_id?: BusinessId;
    /** At most three of the others who take part. */
    others: UserId[];
  };
  /** In so many conversations that are not muted, the user has something unread. */
  badge: number;
};

/** A user without a registered device, or outside the conversation, has none. */
export type PushAnswers = { facts: (PushFacts | null)[] };

export type PushBadge = { user_id: UserId; badge: number; devices: PushDevice[] };

/** A provider has told this of a registration that was made at this time. */
export type PushSettled = {
  user_id: UserId;
  device_id: string;
  registered_at: string;
  outcome: 'gone' | { environment: 'production' | 'sandbox' };
};
