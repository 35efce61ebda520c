import type { Participants } from '../contracts/conversations.ts';
import type { UserId } from '../ids.ts';

/**
 * An audience is a part of those who take part in a conversation now. `joiners` of `Participants`
 * name the first `seq` that was sent to a user, and `late` the first `seq` that a user can see.
 *
 *     participants  All of them, or those of `among`.
 *     receivers     Those to whom the message `seq` was sent: they took part at that `seq`.
 *     seers         Those who can see the message `seq`: its `seq` is not before their history.
 */
type Audience =
  | { of: 'participants'; among?: readonly UserId[] | undefined }
  | { of: 'receivers'; seq: number }
  | { of: 'seers'; seq: number };

const NOBODY: readonly UserId[] = [];

/**
 * Returns the users of an audience, in the order of the participants. Store and router both ask
 * this function who gets a durable event. The SQL of migration 0009 repeats the rule of `seers`.
 */
export function audienceOf(participants: Participants, audience: Audience): readonly UserId[] {
  const { user_ids: userIds } = participants;
  const outside = outsideOf(participants, audience);
  return outside.length === 0 ? userIds : userIds.filter((userId) => !outside.includes(userId));
}

/** Returns the participants who are outside an audience. */
export function outsideOf(
  { user_ids: userIds, joiners, late }: Participants,
  audience: Audience,
): readonly UserId[] {
  switch (audience.of) {
    case 'participants': {
      const { among } = audience;
      return among === undefined ? NOBODY : userIds.filter((userId) => !among.includes(userId));
    }
    case 'receivers':
      return thoseAfter(joiners, audience.seq);
    case 'seers':
      return thoseAfter(late, audience.seq);
  }
}

/**
 * Tells whether a viewer can see the message `seq`. A reply to a message that its reader cannot see
 * has no `reply_to` for that reader, as if the other message did not exist.
 */
export function canSee(viewer: { first_visible_seq: number }, seq: number | null): boolean {
  return seq !== null && isFrom(viewer.first_visible_seq, seq);
}

function thoseAfter(firsts: readonly [UserId, number][], seq: number): readonly UserId[] {
  if (firsts.length === 0) return NOBODY;
  return firsts.flatMap(([userId, firstSeq]) => (isFrom(firstSeq, seq) ? [] : userId));
}

function isFrom(firstSeq: number, seq: number): boolean {
  return seq >= firstSeq;
}
