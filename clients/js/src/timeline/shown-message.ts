import type { Message, Reaction } from '../protocol/shapes.ts';

/** `failed` has an `error`. The others rise in this order, and never fall. */
export type MessageStatus = 'pending' | 'sent' | 'delivered' | 'read' | 'failed';

/** A message as an application shows it. */
export type ShownMessage = Omit<Message, 'message_id' | 'seq'> & {
  /** The server gives both once it has the message. Until then the version is 0. */
  message_id?: string;
  seq?: number;
  reactions: Reaction[];
  /** Only one's own messages have a status. */
  status?: MessageStatus;
  /** The send failed for this reason. */
  error?: { code: string; message: string };
};
