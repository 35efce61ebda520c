/**
 * A stay is a range of `seq` that a user can see of a conversation. `to` is open while the user
 * takes part.
 */
type Stay = { first: number; to: number };
type Participant = { role: 'admin' | 'member'; first: number; joined: number };
export type Conversation = {
  id: string;
  type: 'direct' | 'group';
  lastSeq: number;
  participants: Map<string, Participant>;
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
/** The map holds the agents and managers of a business. */
export type Business = Map<string, 'agent' | 'manager'>;
type Made = { id: string; type: Conversation['type']; makerId: string; userIds: string[] };

const OPEN = Number.POSITIVE_INFINITY;
const GROUP_MAX = 8;

/**
 * The world knows who takes part in which conversation since when, and what was said where. The
 * system must agree with it. The test tells the world what was done, and the world never asks the
 * system.
 */
export class World {
  readonly conversations = new Map<string, Conversation>();
  readonly messages = new Map<string, Message>();
  readonly businesses = new Map<string, Business>();
  readonly userIds: readonly string[];
  /** A guard decides who may read an id, a content or a title. */
  readonly #guards = new Map<string, (userId: string) => boolean>();
  /**
   * For each user, the map holds the ids that they may know. These are the ids of all who can be
   * seen in a conversation that the user was ever in.
   */
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
      ...{ id, type, lastSeq: 0, participants: new Map(), stays: new Map(), said: [] },
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

  /** Only those who can see the message may read the secret. */
  guard(secret: string, { conversation, seq }: Pick<Message, 'conversation' | 'seq'>): void {
    this.#guards.set(secret, (userId) => {
      const stays = conversation.stays.get(userId) ?? [];
      return stays.some(({ first, to }) => seq >= first && seq <= to);
    });
  }

  /** A title may be read by all who took part in the conversation then or later. */
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
    if (conversation.participants.has(userId)) return;
    const first = share
      ? (conversation.participants.get(by)?.first ?? 1)
      : conversation.lastSeq + 1;
    conversation.lastSeq += 1;
    this.#clock += 1;
    this.#join(conversation, userId, { role: 'member', first, joined: this.#clock });
    this.#meet(conversation);
  }

  removed(conversation: Conversation, userId: string): void {
    const { participants, stays } = conversation;
    conversation.lastSeq += 1;
    participants.delete(userId);
    const rest = [...participants];
    if (rest.length > 0 && !rest.some(([, { role }]) => role === 'admin')) {
      rest.sort(([a, one], [b, other]) => one.joined - other.joined || (a < b ? -1 : 1));
      const heir = rest[0]?.[1];
      if (heir !== undefined) heir.role = 'admin';
      conversation.lastSeq += 1;
    }
    const stay = stays.get(userId)?.at(-1);
    if (stay !== undefined) stay.to = conversation.lastSeq;
  }

  /** The system has told a user these ids, who is allowed to know them. */
  met(userId: string, ids: readonly string[]): void {
    for (const id of ids) this.#met.get(userId)?.add(id);
  }

  isFull({ participants }: Conversation): boolean {
    return participants.size >= GROUP_MAX;
  }

  canSee({ conversation, seq }: Message, userId: string): boolean {
    const participant = conversation.participants.get(userId);
    return participant !== undefined && seq >= participant.first;
  }

  /** Returns true if both take part in one conversation now. */
  share(one: string, other: string): boolean {
    return [...this.conversations.values()].some(
      ({ participants }) => participants.has(one) && participants.has(other),
    );
  }

  /** Returns the secrets that this user must not know. */
  leaks(userId: string, secrets: Iterable<string>): string[] {
    return [...secrets].filter((secret) => this.#guards.get(secret)?.(userId) === false);
  }

  #join({ participants, stays }: Conversation, userId: string, participant: Participant): void {
    participants.set(userId, participant);
    const known = stays.get(userId) ?? [];
    stays.set(userId, [...known, { first: participant.first, to: OPEN }]);
  }

  /**
   * A participant learns of all who took part at a time that the participant can see, former
   * participants included.
   */
  #meet({ participants, stays }: Conversation): void {
    for (const [one, { first }] of participants) {
      for (const [other, others] of stays) {
        if (others.some(({ to }) => to >= first)) this.#met.get(one)?.add(other);
      }
    }
  }
}

const SECRETS = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|secret-\d+/g;

/** Returns everything in a text that might be a secret of somebody. */
export function secretsOf(text: string): Set<string> {
  return new Set(text.match(SECRETS));
}
