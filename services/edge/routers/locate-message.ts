import type { MessageId, UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';

type User = { userId: UserId; trace: string | undefined; deadlineAt: number };

/**
 * Asks the store service which conversation a message is in, because the message's id does not say
 * so. Store tells only a user who can see the message. The returned route leads a change of the
 * message to the same router as the sends to that conversation.
 */
export async function locateMessage(
  { store }: { store: AskStore },
  { userId, trace, deadlineAt }: User,
  id: MessageId,
) {
  const named = { user_id: userId, message_id: id };
  const place = await store('messages.locate', named, { trace, deadlineAt });
  const route = { key: place.conversation_id, trace, deadlineAt };
  return { target: { ...named, place }, route };
}
