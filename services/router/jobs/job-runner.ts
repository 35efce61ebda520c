import { setTimeout as delay } from 'node:timers/promises';
import type { JobLease, JobTask } from '../../../shared/contracts/jobs/jobs.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { JobId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import type { Logger } from '../../../shared/process/logger.ts';

type Deps = {
  store: AskStore;
  carryOut: (task: JobTask) => Promise<void>;
  /** The runner rests while NATS is away. */
  isConnected: () => boolean;
  logger: Logger;
};

const POLL_MS = 1_000;
const JITTER_MS = 200;
/** A router that dies leaves its jobs to the others after this time. */
const LEASE_MS = 5_000;
const JOBS_MAX = 4;
/** The router tries again after this time. The next step renews the lease. */
const RETRY_MS = 1_000;
const RETRIES_MAX = 5;

/**
 * Runs the jobs that store keeps: erasures. Any router claims a job that nobody runs, and asks
 * store for one step after the other. Store does what is in Postgres and Redis, and names the tasks
 * that only a router can do. Store notes the place after each step, so whoever claims the job next
 * goes on there.
 *
 *     poll, poke → claim → step ─► tasks ─► step ─► … ─► done
 *                            └─ store, NATS or the task fails: again, and then left to the next
 */
export class JobRunner {
  readonly #deps: Deps;
  readonly #running = new Map<JobId, Promise<void>>();
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #claiming: Promise<void> | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#schedule();
  }

  /** Counts the jobs that this router runs. */
  get size(): number {
    return this.#running.size;
  }

  /** Says that there is a job to claim. */
  poke(): void {
    this.#claiming ??= this.#claim().finally(() => {
      this.#claiming = undefined;
    });
  }

  /** Leaves the jobs to other routers. A step or a task that has begun is finished. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await this.#claiming;
    await Promise.all(this.#running.values());
  }

  #schedule(): void {
    this.#timer = setTimeout(
      () => {
        this.poke();
        this.#schedule();
      },
      POLL_MS + Math.random() * JITTER_MS,
    );
  }

  /** Never rejects. The next poll claims what this one did not. */
  async #claim(): Promise<void> {
    const { store, isConnected, logger } = this.#deps;
    const limit = JOBS_MAX - this.#running.size;
    if (limit === 0 || this.#closing.signal.aborted || !isConnected()) return;
    try {
      const { jobs } = await store('jobs.claim', { limit, lease_ms: LEASE_MS });
      for (const job of jobs) this.#start(job);
    } catch (error) {
      logger.debug({ err: error }, 'no job claimed');
    }
  }

  #start(lease: JobLease): void {
    const { job_id: id } = lease;
    const running = this.#run(lease).finally(() => {
      if (this.#running.get(id) === running) this.#running.delete(id);
    });
    this.#running.set(id, running);
  }

  /** Never rejects. */
  async #run(lease: JobLease): Promise<void> {
    const { store, logger } = this.#deps;
    try {
      await this.#takeSteps(lease);
    } catch (thrown) {
      const error = KahaError.from(thrown);
      const level = error.isRetryable ? 'debug' : 'error';
      logger[level]({ err: thrown, job: lease.job_id }, 'a job is left to its next owner');
      if (error.isRetryable) return;
      const problem = { ...lease, code: error.code };
      // Without this note the job is claimed again when its lease ends.
      await store('jobs.problem', problem).catch((err) => logger.debug({ err }, 'not noted'));
    }
  }

  async #takeSteps(lease: JobLease): Promise<void> {
    const { store } = this.#deps;
    const { signal } = this.#closing;
    let carriedOut: number | undefined;
    while (!signal.aborted) {
      const asked = {
        ...lease,
        lease_ms: LEASE_MS,
        ...(carriedOut !== undefined && { carried_out: carriedOut }),
      };
      const step = await this.#patiently(() => store('jobs.step', asked));
      if (step.state !== 'running') return;
      for (const task of step.tasks) await this.#patiently(() => this.#deps.carryOut(task));
      carriedOut = step.step;
      if (step.wait_ms !== undefined) await this.#wait(step.wait_ms);
    }
  }

  /** Something that is away for a moment does not cost the lease. */
  async #patiently<Result>(work: () => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await work();
      } catch (error) {
        const { isRetryable } = KahaError.from(error);
        if (!isRetryable || tries === RETRIES_MAX || this.#closing.signal.aborted) throw error;
        await this.#wait(RETRY_MS);
      }
    }
  }

  async #wait(ms: number): Promise<void> {
    const { signal } = this.#closing;
    await delay(ms, undefined, { signal }).catch((error: Error) => {
      if (error.name !== 'AbortError') throw error;
    });
  }
}
