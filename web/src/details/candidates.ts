import type { Conversation, Participant } from '../../../clients/js/src/index.ts';

type Candidate = { userId: string; name: string };

type Known = {
  participants: readonly Participant[];
  /** The login server names these people. */
  people: readonly { user_id: string; name: string }[];
  conversations: readonly Conversation[];
};

/** Lists those who could be added: everybody whom the user knows and who is not there yet. */
export function candidatesFor({ participants, people, conversations }: Known): Candidate[] {
  const names = new Map<string, string>();
  for (const { participants: others } of conversations) {
    for (const { user_id: id, name, role } of others) if (role !== 'business') names.set(id, name);
  }
  for (const { user_id: id, name } of people) names.set(id, name);
  for (const { user_id: id } of participants) names.delete(id);
  const candidates = [...names].map(([userId, name]) => ({ userId, name }));
  return candidates.sort((a, b) => a.name.localeCompare(b.name));
}
