import type { JobTask } from '../../../shared/contracts/jobs/jobs.ts';
import type { JobId } from '../../../shared/ids.ts';

/** A job is of one of these kinds, and the kind alone knows what its `place` means. */
export type JobKindName = 'erase_user' | 'erase_content';

export type Job = {
  job_id: JobId;
  kind: JobKindName;
  /** The job is about the person or the conversation with this id. */
  subject: string;
  /** This is the name of the token that asked for the job. */
  service: string;
  /** So many steps were taken. A job that began anew has taken one more. */
  step: number;
  /** NATS has a record of the job, see `recordFirst`. */
  is_recorded: boolean;
  place: object;
  done: number;
  total: number;
  created_at: string;
};

/**
 * A step leaves the job at `place`. If it has `tasks`, the next step is asked for once a router has
 * done them, and `isCarriedOut` says so. A router may die before: then the same place is asked for
 * its step once more, and must give the same tasks or what is left of them.
 */
export type JobOutcome = {
  place: object;
  done: number;
  total: number;
  tasks?: JobTask[];
  wait_ms?: number;
  isDone?: true;
};

/**
 * A kind takes one step of its jobs. A step is short, since its statements are, and may be taken
 * again: the process may die between the step and the note of the new place.
 */
export type JobKind = (job: Job, isCarriedOut: boolean) => Promise<JobOutcome>;
export type JobKinds = Readonly<Record<JobKindName, JobKind>>;
