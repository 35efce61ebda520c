import type { ConversationId, JobId, UserId } from '../../ids.ts';

/** `service` names the token of the service that asks, for the record of the job. */
export type EraseUser = { user_id: UserId; service: string };
export type EraseContent = { conversation_id: ConversationId; service: string };
export type JobBegun = { job_id: JobId };

/**
 * An edge learns who was erased: keyed hashes of their ids, in the order of their erasures, from
 * behind `after` on. `secret` is the key of the hashes, in base64. It is empty if store cannot open
 * it, and then nobody can be recognised.
 */
export type ErasedList = { after: number };
export type ErasedPage = { secret: string; hashes: string[]; last: number; has_more: boolean };

/** A router tells edges at once who was erased. */
export type ErasedSignal = { user_id: UserId };
