import type { MessageUpdate } from '../protocol/events.ts';
import type { Message } from '../protocol/shapes.ts';
import type { MessageStatus, ShownMessage } from '../timeline/shown-message.ts';

/**
 * The messages that are shown of one conversation. Those of the server ascend by `seq`. Behind them
 * stand those that the server has not acknowledged, in the order in which they were written.
 */
export type Window = readonly ShownMessage[];

/**
 * Puts messages of the server in, in any order. A message that is there already is replaced by a
 * newer version alone. One's own message takes the place of its echo (`client_msg_id`).
 */
export function withMessages(
  window: Window,
  messages: readonly Message[],
  userId: string | undefined,
): Window {
  const result = [...window];
  for (const message of messages) {
    const isOwn = message.sender_id === userId;
    const { client_msg_id: id, seq } = message;
    if (isOwn && id !== undefined) removeEcho(result, id);
    const index = placeOf(result, seq);
    const known = result[index]?.seq === seq ? result[index] : undefined;
    if (known === undefined) result.splice(index, 0, shownOf(message, isOwn, undefined));
    else if (message.version > known.version) result[index] = shownOf(message, isOwn, known);
  }
  return result;
}

/** Changes a message that is there. A change that is not newer than the message does nothing. */
export function withUpdate(window: Window, update: MessageUpdate): Window {
  const index = window.findLastIndex(({ seq }) => seq === update.seq);
  const known = window[index];
  if (known === undefined || update.version <= known.version) return window;
  return window.with(index, changed(known, update));
}

/** Puts in the echo of a message that is being sent, or replaces it. */
export function withEcho(window: Window, echo: ShownMessage): Window {
  const index = window.findLastIndex((shown) => isSameSend(shown, echo));
  if (index === -1) return [...window, echo];
  // The server's message came first, and tells more than the echo does.
  return window[index]?.seq === undefined ? window.with(index, echo) : window;
}

/** Gives an echo the place that the acknowledgement tells. */
export function withSent(
  window: Window,
  echo: ShownMessage,
  sent: { message_id: string; seq: number; sent_at: string },
): Window {
  const isThere = window.some(({ seq }) => seq === sent.seq);
  const others = window.filter((shown) => shown.seq !== undefined || !isSameSend(shown, echo));
  if (isThere) return others;
  const { error: _none, ...rest } = echo;
  const { message_id, seq, sent_at } = sent;
  const placed: ShownMessage = { ...rest, message_id, seq, sent_at, status: 'sent' };
  return others.toSpliced(placeOf(others, seq), 0, placed);
}

export function withoutEcho(window: Window, clientMsgId: string): Window {
  return window.filter(({ seq, client_msg_id: id }) => seq !== undefined || id !== clientMsgId);
}

/** Positions that no other participant is below. Without other people they are undefined. */
export type Reached = { delivered: number; read: number } | undefined;

/** Raises the status of one's own messages. A status never falls. */
export function withStatus(window: Window, reached: Reached): Window {
  if (reached === undefined) return window;
  const statusOf = (seq: number): MessageStatus =>
    seq <= reached.read ? 'read' : seq <= reached.delivered ? 'delivered' : 'sent';
  let changedWindow: ShownMessage[] | undefined;
  for (let index = window.length - 1; index >= 0; index -= 1) {
    const shown = window[index] as ShownMessage;
    if (shown.seq === undefined || shown.status === undefined) continue;
    // All own messages below one that is read are read.
    if (shown.status === 'read') break;
    const status = statusOf(shown.seq);
    if (status === shown.status || (status === 'sent' && shown.status === 'delivered')) continue;
    changedWindow ??= [...window];
    changedWindow[index] = { ...shown, status };
  }
  return changedWindow ?? window;
}

/** Returns the index of the message with this `seq`, or the one at which it belongs. */
function placeOf(window: Window, seq: number): number {
  let [low, high] = [0, window.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = window[middle]?.seq ?? Number.POSITIVE_INFINITY;
    if (other < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Echoes stand at the end, so the search begins there and ends at the first other message. */
function removeEcho(window: ShownMessage[], clientMsgId: string): void {
  for (let index = window.length - 1; window[index]?.seq === undefined && index >= 0; index -= 1) {
    if (window[index]?.client_msg_id === clientMsgId) window.splice(index, 1);
  }
}

function shownOf(message: Message, isOwn: boolean, known: ShownMessage | undefined): ShownMessage {
  const reactions = message.reactions ?? [];
  if (!isOwn || message.message_type === 'system') return { ...message, reactions };
  const { status } = message as { status?: MessageStatus };
  return { ...message, reactions, status: known?.status ?? status ?? 'sent' };
}

function changed(known: ShownMessage, update: MessageUpdate): ShownMessage {
  const { version, edited_at, deleted_at } = update;
  if (deleted_at !== undefined) {
    const { content: _content, metadata: _metadata, edited_at: _edited, ...rest } = known;
    return { ...rest, version, deleted_at, reactions: [] };
  }
  return {
    ...known,
    version,
    ...(update.content !== undefined && { content: update.content }),
    ...(edited_at !== undefined && { edited_at }),
    ...(update.reactions !== undefined && { reactions: update.reactions }),
  };
}

/** Only one's own messages have a status, and only they can be the echo's. */
function isSameSend(one: ShownMessage, echo: ShownMessage): boolean {
  return one.client_msg_id === echo.client_msg_id && one.status !== undefined;
}
