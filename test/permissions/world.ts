/** A stay of somebody in a conversation: what they can see of it. `to` is open while it lasts. */
type Stay = { first: number; to: number };
export type Member = { role: 'admin' | 'member'; first: number; joined: number };
export type Conversation = {
  id: string;
  type: 'direct' | 'group';
  lastSeq: number;
  members: Map<string, Member>;
  stays: Map<string, Stay[]>;
  said: Message[];
};
export type Message = {
  id: string;
  conversation: Conversation;
  seq: number;
  senderId: string;
  isDeleted: boolean;
};
type Made = { id: string; type: Conversation['type']; makerId: string; userIds: string[] };

const OPEN = Number.POSITIVE_INFINITY;
const GROUP_MAX = 8;

/**
 * Who takes part in what, since when, and what was said where: what the system must agree with.
 * It is told what was done and never asks the system.
 */
export class World {
  readonly conversations = new Map<string, Conversation>();
  readonly messages = new Map<string, Message>();
  readonly userIds: readonly string[];
  /** What may be read of something, by whom: ids, contents and titles. */
  readonly #guards = new Map<string, (userId: string) => boolean>();
  /** Of whom one may know: who can be seen in what one was ever in. */
  readonly #met = new Map<string, Set<string>>();
  #clock = 0;

  constructor(userIds: readonly string[]) {
    this.userIds = userIds;
    for (const id of userIds) {
      this.#met.set(id, new Set([id]));
      this.#guards.set(id, (userId) => this.#met.get(userId)?.has(id) ?? false);
    }
  }

  made({ id, type, makerId, userIds }: Made): Conversation {
    const known = this.conversations.get(id);
    if (known !== undefined) return known;
    const conversation: Conversation = {
      ...{ id, type, lastSeq: 0, members: new Map(), stays: new Map(), said: [] },
    };
    this.conversations.set(id, conversation);
    this.#guards.set(id, (userId) => conversation.stays.has(userId));
    for (const userId of new Set([makerId, ...userIds])) {
      const isAdmin = type === 'group' && userId === makerId;
      this.#join(conversation, userId, { role: isAdmin ? 'admin' : 'member', first: 1, joined: 0 });
    }
    this.#meet(conversation);
    return conversation;
  }

  said(message: Message, secrets: readonly string[]): void {
    this.messages.set(message.id, message);
    message.conversation.said.push(message);
    message.conversation.lastSeq = Math.max(message.conversation.lastSeq, message.seq);
    for (const secret of [message.id, ...secrets]) this.guard(secret, message);
  }

  /** Seen by those who can see the message. */
  guard(secret: string, { conversation, seq }: Pick<Message, 'conversation' | 'seq'>): void {
    this.#guards.set(secret, (userId) => {
      const stays = conversation.stays.get(userId) ?? [];
      return stays.some(({ first, to }) => seq >= first && seq <= to);
    });
  }

  /** A title is seen by whoever was in it then or later. */
  titled(conversation: Conversation, title: string): void {
    conversation.lastSeq += 1;
    const since = conversation.lastSeq;
    this.#guards.set(title, (userId) =>
      (conversation.stays.get(userId) ?? []).some(({ to }) => to >= since),
    );
  }

  added(
    conversation: Conversation,
    by: string,
    { userId, share }: { userId: string; share: boolean },
  ) {
    if (conversation.members.has(userId)) return;
    const first = share ? (conversation.members.get(by)?.first ?? 1) : conversation.lastSeq + 1;
    conversation.lastSeq += 1;
    this.#clock += 1;
    this.#join(conversation, userId, { role: 'member', first, joined: this.#clock });
    this.#meet(conversation);
  }

  removed(conversation: Conversation, userId: string): void {
    const { members, stays } = conversation;
    conversation.lastSeq += 1;
    members.delete(userId);
    const rest = [...members];
    if (rest.length > 0 && !rest.some(([, { role }]) => role === 'admin')) {
      rest.sort(([a, one], [b, other]) => one.joined - other.joined || (a < b ? -1 : 1));
      const heir = rest[0]?.[1];
      if (heir !== undefined) heir.role = 'admin';
      conversation.lastSeq += 1;
    }
    const stay = stays.get(userId)?.at(-1);
    if (stay !== undefined) stay.to = conversation.lastSeq;
  }

  isFull({ members }: Conversation): boolean {
    return members.size >= GROUP_MAX;
  }

  canSee({ conversation, seq }: Message, userId: string): boolean {
    const member = conversation.members.get(userId);
    return member !== undefined && seq >= member.first;
  }

  /** Are in one conversation now. */
  share(one: string, other: string): boolean {
    return [...this.conversations.values()].some(
      ({ members }) => members.has(one) && members.has(other),
    );
  }

  /** What of it this user must not know. */
  leaks(userId: string, secrets: Iterable<string>): string[] {
    return [...secrets].filter((secret) => this.#guards.get(secret)?.(userId) === false);
  }

  #join({ members, stays }: Conversation, userId: string, member: Member): void {
    members.set(userId, member);
    const known = stays.get(userId) ?? [];
    stays.set(userId, [...known, { first: member.first, to: OPEN }]);
  }

  /** One learns of all who were in it at a time that one can see: of former members, too. */
  #meet({ members, stays }: Conversation): void {
    for (const [one, { first }] of members) {
      for (const [other, others] of stays) {
        if (others.some(({ to }) => to >= first)) this.#met.get(one)?.add(other);
      }
    }
  }
}

const SECRETS = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|secret-\d+/g;

/** All in a text that might be somebody's. */
export function secretsOf(text: string): Set<string> {
  return new Set(text.match(SECRETS));
}
