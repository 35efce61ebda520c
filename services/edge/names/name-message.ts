import type { HistoryMessage } from '../../../shared/contracts/messages.ts';
import type { NameSystemMessages } from './name-system-messages.ts';

/** Puts names into a system message, or into a message that replies to one. */
export async function nameMessage(
  { nameSystemMessages }: { nameSystemMessages: NameSystemMessages },
  message: HistoryMessage,
): Promise<HistoryMessage> {
  const shown = [message];
  await nameSystemMessages(shown);
  return shown[0] ?? message;
}
