import type { PushDevice, PushMessage } from '../../../shared/contracts/pushes/push-facts.ts';
import type { ConversationId } from '../../../shared/ids.ts';
import { alertText } from '../content/alert-text.ts';
import { threadOf } from '../content/thread-of.ts';
import type { PushAlert } from '../providers/provider.ts';
import { LIFE_MS } from '../waiting/judge-message.ts';
import { conversationName, nameOfUser } from './names.ts';
import type { Scene } from './scenes.ts';

type About = {
  conversationId: ConversationId;
  device: PushDevice;
  /** The messages stand by their `seq`, and there is at least one. */
  messages: readonly [PushMessage, ...PushMessage[]];
  scene: Scene;
  threadKey: Buffer;
};

/** Makes the alert that tells a device of these messages. It leads to the newest one. */
export function composeAlert(about: About): PushAlert | undefined {
  const { conversationId, device, messages, scene, threadKey } = about;
  const newest = messages.at(-1) ?? messages[0];
  if (scene.facts === null) return undefined;
  const { conversation, badge } = scene.facts;
  const name = conversationName(conversation, scene.names);
  const text = alertText({
    level: device.content,
    subject: subjectOf(newest),
    sender: nameOfUser(scene.names, newest.sender_id),
    ...(name !== undefined && { conversation: name }),
    count: messages.length,
  });
  return {
    ...{ kind: 'alert', ...text, badge, thread: threadOf(threadKey, conversationId) },
    data: { conversation_id: conversationId, message_id: newest.message_id, seq: newest.seq },
    expiresAtMs: Date.parse(newest.sent_at) + LIFE_MS,
  };
}

/** A message whose text is not known is told of without it. */
function subjectOf({ message_type: type, content = '', concerns_user: concern }: PushMessage) {
  if (concern !== undefined) return { kind: concern };
  return { kind: 'message' as const, type: type === 'system' ? 'text' : type, text: content };
}
