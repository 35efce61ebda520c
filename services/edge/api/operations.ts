import { archiveConversation } from './conversations/archive.ts';
import { createConversation } from './conversations/create.ts';
import { getConversation } from './conversations/get.ts';
import { listConversations } from './conversations/list.ts';
import { muteConversation } from './conversations/mute.ts';
import { unmuteConversation } from './conversations/unmute.ts';
import { updateConversation } from './conversations/update.ts';
import { deleteMessage } from './messages/delete.ts';
import { editMessage } from './messages/edit.ts';
import { getMessage } from './messages/get.ts';
import { listHistory } from './messages/history.ts';
import { reactToMessage } from './messages/react.ts';
import { readConversation } from './messages/read.ts';
import { readMessage } from './messages/read-message.ts';
import { sendMessage } from './messages/send.ts';
import type { Operation } from './operation.ts';
import { addParticipants } from './people/add-participants.ts';
import { getPresence } from './people/presence.ts';
import { unwatchPresence } from './people/presence-unwatch.ts';
import { watchPresence } from './people/presence-watch.ts';
import { removeParticipant } from './people/remove-participant.ts';
import { acknowledge } from './socket/ack.ts';
import { authenticate } from './socket/auth.ts';
import { ping } from './socket/ping.ts';
import { tellTyping } from './socket/typing.ts';

/**
 * This table lists all operations that a client can ask for. The doors serve it, and the documents
 * describe it.
 */
export const OPERATIONS: readonly Operation[] = [
  authenticate,
  sendMessage,
  editMessage,
  deleteMessage,
  reactToMessage,
  acknowledge,
  readConversation,
  readMessage,
  tellTyping,
  watchPresence,
  unwatchPresence,
  getPresence,
  ping,
  listHistory,
  getMessage,
  createConversation,
  listConversations,
  getConversation,
  updateConversation,
  archiveConversation,
  muteConversation,
  unmuteConversation,
  addParticipants,
  removeParticipant,
];
