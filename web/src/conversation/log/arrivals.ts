import type { ShownMessage } from '../../../../clients/js/src/index.ts';

/** A message of somebody else that has come while the conversation is shown. */
export type Arrival = { senderName: string; text: string };

const TEXT_CHARACTERS_MAX = 200;
const NAMES_MAX = 3;

/** Says in one sentence what has come. One message is read out, and more are summed up. */
export function sayArrivals(arrivals: readonly Arrival[]): string {
  const [first] = arrivals;
  if (!first) return '';
  if (arrivals.length === 1) return `${first.senderName}: ${shortened(first.text)}`;
  const names = [...new Set(arrivals.map(({ senderName }) => senderName))];
  return `${arrivals.length} new messages from ${listOf(names)}`;
}

/**
 * Returns the messages of others above a `seq`, oldest first. Deleted messages have nothing to say.
 * What was loaded from the history has a lower `seq`, so it is never among them.
 */
export function arrivedAbove(
  messages: readonly ShownMessage[],
  seq: number,
  userId: string,
): ShownMessage[] {
  const arrived: ShownMessage[] = [];
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const message = messages[index] as ShownMessage;
    if (message.seq === undefined) continue;
    if (message.seq <= seq) break;
    if (message.sender_id !== userId && !message.deleted_at) arrived.push(message);
  }
  return arrived.reverse();
}

/** Returns the highest `seq`. The messages that have none stand at the end. */
export function lastSeqOf(messages: readonly ShownMessage[]): number {
  return messages.findLast(({ seq }) => seq !== undefined)?.seq ?? 0;
}

/** Names the first three, and counts the others. */
export function listOf(names: readonly string[]): string {
  if (names.length < 2) return names[0] ?? '';
  if (names.length <= NAMES_MAX) return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  const others = names.length - NAMES_MAX + 1;
  return `${names.slice(0, NAMES_MAX - 1).join(', ')} and ${others} others`;
}

function shortened(text: string): string {
  const characters = [...text];
  if (characters.length <= TEXT_CHARACTERS_MAX) return text;
  return `${characters.slice(0, TEXT_CHARACTERS_MAX).join('')} …`;
}
