import { assignConversation } from './assignment/assign.ts';
import { closeConversation } from './assignment/close.ts';
import { releaseConversation } from './assignment/release.ts';
import { reopenConversation } from './assignment/reopen.ts';
import { setState } from './assignment/set-state.ts';
import { getSettings } from './businesses/get-settings.ts';
import { listAgents } from './businesses/list-agents.ts';
import { listInbox } from './businesses/list-inbox.ts';
import { removeAgent } from './businesses/remove-agent.ts';
import { setAgent } from './businesses/set-agent.ts';
import { setAgents } from './businesses/set-agents.ts';
import { setAvailability } from './businesses/set-availability.ts';
import { setSettings } from './businesses/set-settings.ts';
import { unwatchInbox } from './businesses/unwatch-inbox.ts';
import { watchInbox } from './businesses/watch-inbox.ts';
import { addParticipants } from './conversations/add-participants.ts';
import { archiveConversation } from './conversations/archive.ts';
import { createConversation } from './conversations/create.ts';
import { eraseContent } from './conversations/erase-content.ts';
import { getConversation } from './conversations/get.ts';
import { listConversations } from './conversations/list.ts';
import { muteConversation } from './conversations/mute.ts';
import { readConversation } from './conversations/read.ts';
import { removeParticipant } from './conversations/remove-participant.ts';
import { unmuteConversation } from './conversations/unmute.ts';
import { updateConversation } from './conversations/update.ts';
import { listDevices } from './devices/list.ts';
import { registerPush } from './devices/register-push.ts';
import { signOutDevice } from './devices/sign-out.ts';
import { unregisterPush } from './devices/unregister-push.ts';
import { getWebPushKey } from './devices/webpush-key.ts';
import { getJob } from './jobs/get.ts';
import { deleteMessage } from './messages/delete.ts';
import { editMessage } from './messages/edit.ts';
import { getMessage } from './messages/get.ts';
import { listHistory } from './messages/history.ts';
import { reactToMessage } from './messages/react.ts';
import { readMessage } from './messages/read.ts';
import { sendMessage } from './messages/send.ts';
import type { Operation } from './operation.ts';
import { getPresence } from './presence/get.ts';
import { queryPresence } from './presence/query.ts';
import { unwatchPresence } from './presence/unwatch.ts';
import { watchPresence } from './presence/watch.ts';
import { acknowledge } from './socket/ack.ts';
import { authenticate } from './socket/auth.ts';
import { ping } from './socket/ping.ts';
import { tellTyping } from './socket/typing.ts';
import { eraseUser } from './users/erase.ts';
import { exportUser } from './users/export.ts';

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
  queryPresence,
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
  assignConversation,
  releaseConversation,
  closeConversation,
  reopenConversation,
  setState,
  getSettings,
  setSettings,
  listAgents,
  setAgents,
  setAgent,
  removeAgent,
  setAvailability,
  listInbox,
  watchInbox,
  unwatchInbox,
  eraseContent,
  exportUser,
  listDevices,
  signOutDevice,
  registerPush,
  unregisterPush,
  getWebPushKey,
  eraseUser,
  getJob,
];
