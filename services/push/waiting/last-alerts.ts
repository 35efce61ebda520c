import { LRUCache } from 'lru-cache';
import type { EventId } from '../../../shared/ids.ts';
import { addTake, type Chat, chatKey, type Shown } from './chat.ts';

/** Beyond this, the chat that got no alert for longest is forgotten. */
const CHATS_MAX = 50_000;

/**
 * Knows the newest message that each device of a chat was told of. An alert of an older one, which
 * came late, takes its place on the screen. So it tells of the newest one as well, and leads there.
 */
export class LastAlerts {
  readonly #chats = new LRUCache<string, Map<string, Shown>>({ max: CHATS_MAX });

  note(chat: Chat, deviceId: string, message: Shown): void {
    const key = chatKey(chat.userId, chat.conversationId);
    const devices = this.#chats.get(key) ?? new Map<string, Shown>();
    const last = devices.get(deviceId);
    if (last !== undefined && last.seq >= message.seq) return;
    const { userId, seq, sentAtMs, eventId, taken, isInUse, isTold, readSeq } = message;
    devices.set(deviceId, { userId, seq, sentAtMs, eventId, taken, isInUse, isTold, readSeq });
    this.#chats.set(key, devices);
  }

  of(chat: Chat, deviceId: string): Shown | undefined {
    return this.#devicesOf(chat)?.get(deviceId);
  }

  seqsOf(chat: Chat): number[] {
    return [...(this.#devicesOf(chat)?.values() ?? [])].map(({ seq }) => seq);
  }

  /** A device has taken what it was told of. */
  noteTaken(chat: string, eventId: EventId, take: { taken: string[]; isInUse: boolean }): void {
    for (const message of this.#chats.get(chat)?.values() ?? []) {
      if (message.eventId === eventId) addTake(message, take);
    }
  }

  #devicesOf({ userId, conversationId }: Chat): Map<string, Shown> | undefined {
    return this.#chats.get(chatKey(userId, conversationId));
  }
}
