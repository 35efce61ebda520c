import { type Desk, mayRead } from './desk.ts';

/**
 * A stay is a range of `seq` that a user can see of a conversation. `to` is open while the user
 * takes part.
 */
type Stay = { first: number; to: number };
type Role = 'admin' | 'member' | 'customer' | 'agent';
type Participant = { role: Role; first: number; joined: number };
export type Conversation = {
  id: string;
  type: 'direct' | 'group' | 'business';
  lastSeq: number;
  participants: Map<string, Participant>;
  stays: Map<string, Stay[]>;
  said: Message[];
  /** These people did what its system messages tell, and perhaps never took part. */
  actors: Set<string>;
  /** Only a conversation of a business has a desk. */
  desk?: Desk;
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
type Made = { id: string; type: 'direct' | 'group'; makerId: string; userIds: string[] };
type Opened = { id: string; businessId: string; customerId: string };
/** An answer may also tell what its user reads without taking part, and an event may not. */
type Guard = (userId: string, isAnswer: boolean) => boolean;

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
  readonly #guards = new Map<string, Guard>();
  /**
   * For each user, the map holds the ids that they may know. These are the ids of all who can be
   * seen in a conversation that the user was ever in.
   */
  readonly #met = new Map<string, Set<string>>();
  /** For each user, these devices are registered for pushes. */
  readonly #registered = new Map<string, Set<string>>();
  readonly #signedOut = new Set<string>();
  #clock = 0;

  constructor(userIds: readonly string[]) {
    this.userIds = userIds;
    for (const id of userIds) {
      this.#met.set(id, new Set([id]));
      this.#guards.set(id, (userId, isAnswer) => {
        return this.#met.get(userId)?.has(id) === true || (isAnswer && this.#mayLearn(userId, id));
      });
    }
  }

  registeredOf(userId: string): Set<string> {
    const known = this.#registered.get(userId) ?? new Set();
    this.#registered.set(userId, known);
    return known;
  }

  signedOut(userId: string, deviceId: string): void {
    this.registeredOf(userId).delete(deviceId);
    this.#signedOut.add(`${userId} ${deviceId}`);
  }

  isSignedOut(userId: string, deviceId: string): boolean {
    return this.#signedOut.has(`${userId} ${deviceId}`);
  }

  made({ id, type, makerId, userIds }: Made): Conversation {
    const known = this.conversations.get(id);
    if (known !== undefined) return known;
    const conversation = this.#add(id, type);
    for (const userId of new Set([makerId, ...userIds])) {
      const isAdmin = type === 'group' && userId === makerId;
      this.#join(conversation, userId, { role: isAdmin ? 'admin' : 'member', first: 1, joined: 0 });
    }
    this.#meet(conversation);
    return conversation;
  }

  /** A customer has opened their one conversation with a business, in which nobody has written. */
  opened({ id, businessId, customerId }: Opened): Conversation {
    const known = this.conversations.get(id);
    if (known !== undefined) return known;
    const conversation = this.#add(id, 'business');
    conversation.desk = { businessId, customerId, state: 'closed' };
    this.#join(conversation, customerId, { role: 'customer', first: 1, joined: 0 });
    return conversation;
  }

  /** Somebody has taken a step. Only a release and a loss of an agent's role have no message. */
  stepped(conversation: Conversation, by: string, { isTold }: { isTold: boolean }): void {
    const { participants, stays, desk } = conversation;
    const assignee = desk?.state === 'assigned' ? desk.assigneeId : undefined;
    if (isTold) conversation.lastSeq += 1;
    for (const [userId, { role }] of participants) {
      if (role !== 'agent' || userId === assignee) continue;
      participants.delete(userId);
      const stay = stays.get(userId)?.at(-1);
      if (stay !== undefined) stay.to = conversation.lastSeq;
    }
    if (assignee !== undefined && !participants.has(assignee)) {
      this.#join(conversation, assignee, { role: 'agent', first: 1, joined: 0 });
    }
    if (isTold) conversation.actors.add(by);
    this.#meet(conversation);
  }

  /** An agent is no agent of the business any more, and what they had of it waits again. */
  dismissed(businessId: string, userId: string): void {
    for (const conversation of this.conversations.values()) {
      const { desk } = conversation;
      if (desk?.businessId !== businessId || desk.assigneeId !== userId) continue;
      desk.state = 'waiting';
      delete desk.assigneeId;
      this.stepped(conversation, userId, { isTold: false });
    }
  }

  said(message: Message, secrets: readonly string[]): void {
    this.messages.set(message.id, message);
    message.conversation.said.push(message);
    message.conversation.lastSeq = Math.max(message.conversation.lastSeq, message.seq);
    for (const secret of [message.id, ...secrets]) this.guard(secret, message);
    const { desk } = message.conversation;
    if (desk?.state === 'closed' && message.senderId === desk.customerId) desk.state = 'waiting';
  }

  /** Only those who can see the message may read the secret. */
  guard(secret: string, { conversation, seq }: Pick<Message, 'conversation' | 'seq'>): void {
    this.#guards.set(secret, (userId, isAnswer) => {
      const stays = conversation.stays.get(userId) ?? [];
      const isSeen = stays.some(({ first, to }) => seq >= first && seq <= to);
      return isSeen || (isAnswer && this.reads(conversation, userId));
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

  /** Returns true if the user may read the conversation without taking part in it. */
  reads({ desk }: Conversation, userId: string): boolean {
    if (desk === undefined) return false;
    return mayRead(desk, { userId, role: this.roleIn(desk.businessId, userId) });
  }

  roleIn(businessId: string, userId: string): 'agent' | 'manager' | undefined {
    return this.businesses.get(businessId)?.get(userId);
  }

  /** Returns how many conversations of the business the agent has. */
  openOf(businessId: string, agentId: string): number {
    return [...this.conversations.values()].filter(({ desk }) => {
      return desk?.businessId === businessId && desk.assigneeId === agentId;
    }).length;
  }

  /** Returns true if both take part in one conversation now. */
  share(one: string, other: string): boolean {
    return [...this.conversations.values()].some(
      ({ participants }) => participants.has(one) && participants.has(other),
    );
  }

  /** Returns the secrets that an event, or an answer, must not tell this user. */
  leaks(userId: string, secrets: Iterable<string>, { isAnswer }: { isAnswer: boolean }): string[] {
    return [...secrets].filter((secret) => this.#guards.get(secret)?.(userId, isAnswer) === false);
  }

  #add(id: string, type: Conversation['type']): Conversation {
    const conversation: Conversation = {
      ...{ id, type, lastSeq: 0, participants: new Map(), stays: new Map(), said: [] },
      actors: new Set(),
    };
    this.conversations.set(id, conversation);
    this.#guards.set(id, (userId, isAnswer) => {
      return conversation.stays.has(userId) || (isAnswer && this.reads(conversation, userId));
    });
    return conversation;
  }

  /** An answer may name a user's colleagues, and those of a conversation that the user reads. */
  #mayLearn(userId: string, id: string): boolean {
    for (const business of this.businesses.values()) {
      if (business.has(userId) && business.has(id)) return true;
    }
    return [...this.conversations.values()].some((conversation) => {
      const { stays, actors } = conversation;
      return (stays.has(id) || actors.has(id)) && this.reads(conversation, userId);
    });
  }

  #join({ participants, stays }: Conversation, userId: string, participant: Participant): void {
    participants.set(userId, participant);
    const known = stays.get(userId) ?? [];
    stays.set(userId, [...known, { first: participant.first, to: OPEN }]);
  }

  /**
   * A participant learns of all who took part at a time that the participant can see, former
   * participants included, and of all who took a step.
   */
  #meet({ participants, stays, actors }: Conversation): void {
    for (const [one, { first }] of participants) {
      for (const actor of actors) this.#met.get(one)?.add(actor);
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
