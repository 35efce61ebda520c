import type { UserId } from '../../../shared/ids.ts';

/**
 * The erasure of a conversation's content goes through these phases. It has no phase before what
 * was said by then, up to the `seq` `until`, is closed.
 *
 *     resyncs  the device queues of who takes part, which may hold what was said; twice, because
 *              a router may put there what it had read before
 *     settle   no router holds what was said
 *     rows     texts, earlier texts and reactions, from the oldest message on, up to `seq`
 */
export type ContentPlace =
  | { phase: 'resyncs'; round: 1 | 2; until: number; user_ids: UserId[] }
  | { phase: 'settle'; until: number; since: string }
  | { phase: 'rows'; until: number; seq: number };
