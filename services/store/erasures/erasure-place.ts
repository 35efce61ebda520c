import type { ConversationId, UserId } from '../../../shared/ids.ts';

/** The erasure is in this conversation, and has erased what it has up to `seq`. */
export type InConversation = {
  conversation_id: ConversationId;
  seq: number;
  last_seq: number;
  /** Nobody takes part in it any more, so all of it goes. */
  is_nobodys: boolean;
};

/** The steps up to `after` are done, and of those up to `seen` what the person did there. */
export type ActsPlace = { after: number; seen?: number; at?: InConversation };

/**
 * An erasure goes through these phases, one after the other. Each finds what is left for it in
 * Postgres, so a phase that is begun anew does not do again what it has done.
 *
 *     sign_out       no session, no device queue
 *     agents         no agent, and what the agent had waits
 *     conversations  membership, texts, positions, keys of sends; one conversation after the other
 *     reactions
 *     steps          the log of businesses, and system messages that tell of the same
 *     deletions, events   the records of what people did, in the order of their keys
 *     settle         the outbox; no router holds a text that it read before
 *     redis          no edge says that the user is online
 *     resyncs        the others' device queues, which may hold what was erased
 *     end            what late requests left of the first phase
 */
export type Place =
  | { phase: 'sign_out' }
  | { phase: 'agents' }
  | { phase: 'conversations'; at?: InConversation }
  | { phase: 'reactions' }
  | ({ phase: 'steps' } & ActsPlace)
  | { phase: 'deletions'; after: string }
  | { phase: 'events'; at: string; id: string }
  | { phase: 'settle'; since: string }
  | { phase: 'redis'; since: string }
  | { phase: 'resyncs'; user_ids: UserId[] }
  | { phase: 'end' };
export type PlaceOf<Phase extends Place['phase']> = Extract<Place, { phase: Phase }>;
