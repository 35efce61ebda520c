import type { HistoryMessage } from '../../../shared/contracts/messages.ts';
import type { NameSystem } from './system-naming.ts';

/** Puts names into a message that is the system's, or that replies to one of the system's. */
export async function nameMessage(
  { nameSystem }: { nameSystem: NameSystem },
  message: HistoryMessage,
): Promise<HistoryMessage> {
  const shown = [message];
  await nameSystem(shown);
  return shown[0] ?? message;
}
