import type { StepCommand } from '../../../../shared/contracts/conversations.ts';
import type { UserId } from '../../../../shared/ids.ts';
import type { ConversationShape } from '../../../../shared/protocol/shapes.ts';
import { nameConversation } from '../../names/conversation-view.ts';
import type { HandlerParts } from '../operation.ts';

/** People take these steps of a conversation of a business. */
type Op = `conversations.${'assign' | 'release' | 'close' | 'reopen'}`;
type Step = { [One in Op]: Omit<Extract<StepCommand, { op: One }>, 'user_id'> }[Op];
type StepCaller = { userId: UserId; trace: string | undefined; deadlineAt: number };

/**
 * Takes a step, and shows the conversation as the caller sees it then. A step that holds already
 * changes nothing, so a client may take it again that got no answer.
 */
export async function takeStep(
  parts: HandlerParts,
  caller: StepCaller,
  { op, ...step }: Step,
): Promise<ConversationShape> {
  const { userId, trace, deadlineAt } = caller;
  const route = { key: step.conversation_id, trace, deadlineAt };
  const record = await parts.routers.ask(op, { user_id: userId, ...step }, route);
  return await nameConversation(parts, record, caller);
}
