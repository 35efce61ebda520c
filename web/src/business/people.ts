import type { Conversation, Participant } from '../../../clients/js/src/index.ts';

export function customerOf({ participants }: Conversation): Participant | undefined {
  return participants.find(({ role }) => role === 'customer');
}

/** Returns the agent who has a conversation, if one has it. */
export function agentOf({ participants }: Conversation): Participant | undefined {
  return participants.find(({ role }) => role === 'agent');
}
