import type { BusinessId, ConversationId, JobId, UserId } from '../../ids.ts';
import type { JobShape } from '../../protocol/jobs/job-shapes.ts';

/** Services hand long work to each other in these shapes. Store keeps it, and routers run it. */
export type JobStatus = JobShape;

/** A router has the job until its lease ends. Each step renews the lease. */
export type JobLease = { job_id: JobId; lease_id: string };

/**
 * Only a router can do these parts of a job. Each may be done again: a router may die between a
 * task and the step that tells store of it.
 */
export type JobTask =
  /** Closes the user's sessions on all edges, and deletes their device queues. */
  | { task: 'sign_out'; user_id: UserId }
  | { task: 'remove_agent'; business_id: BusinessId; user_id: UserId }
  | { task: 'leave'; conversation_id: ConversationId; user_id: UserId }
  /** Closes a business conversation whose customer is gone. */
  | { task: 'close'; conversation_id: ConversationId; business_id: BusinessId }
  /** Voids the device queues of these users, at most 100. */
  | { task: 'resync'; user_ids: UserId[] };

/** `carried_out` is the `step` whose tasks the router has done. */
export type JobStepAsked = JobLease & { lease_ms: number; carried_out?: number };

/**
 * The router does the tasks, waits, and asks for the next step. A job that is `lost` is another
 * router's by now.
 */
export type JobStep =
  | { state: 'running'; step: number; tasks: JobTask[]; wait_ms?: number }
  | { state: 'done' | 'lost' };

/** A step went wrong by this code, and trying it again at once is of no use. */
export type JobProblem = JobLease & { code: string };
