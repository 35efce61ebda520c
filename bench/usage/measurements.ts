import type { Target } from '../options/target.ts';
import { type DatabaseUsage, readDatabaseUsage } from './database-usage.ts';
import { type NatsHeap, readNatsHeap } from './nats-heap.ts';
import { type ProcessUsage, readUsage } from './process-usage.ts';

/**
 * The stack is measured at these moments. The moment `start` comes before the away devices connect,
 * and `base` before the others do. Nobody sends between `holdStart` and `holdEnd`.
 */
export type Moment =
  | 'start'
  | 'base'
  | 'connected'
  | 'ready'
  | 'holdStart'
  | 'holdEnd'
  | 'windowStart'
  | 'windowEnd'
  | 'end';
export type Look = {
  atMs: number;
  processes: ProcessUsage[];
  database: DatabaseUsage | undefined;
  natsHeap: NatsHeap | undefined;
};

/** Only CPU times are read while a measurement runs. */
const IN_WINDOW: readonly Moment[] = ['holdStart', 'holdEnd', 'windowStart', 'windowEnd'];
/**
 * NATS collects its garbage when its live heap is read, so that is read before and after all work.
 */
const WITH_HEAP: readonly Moment[] = ['start', 'base', 'end'];
export const GENERATOR = 'generator';

/** Measures at each moment what the stack and the generator have used. */
export class Measurements {
  readonly looks: Partial<Record<Moment, Look>> = {};
  readonly #target: Target;
  readonly #generatorPids: readonly number[];

  constructor(target: Target, generatorPids: readonly number[]) {
    this.#target = target;
    this.#generatorPids = generatorPids;
  }

  async look(moment: Moment): Promise<void> {
    const isInWindow = IN_WINDOW.includes(moment);
    const generator = this.#generatorPids.map((pid, index) => ({
      name: `${GENERATOR}-${index + 1}`,
      service: GENERATOR,
      pid,
    }));
    const named = [...this.#target.processes, ...generator].map(({ name, service, pid }) => ({
      name,
      service,
      pid,
    }));
    const processes = readUsage(named, { memory: !isInWindow });
    const look: Look = { atMs: Date.now(), processes, database: undefined, natsHeap: undefined };
    this.looks[moment] = look;
    if (!isInWindow) look.database = await readDatabaseUsage(this.#target.database);
    if (WITH_HEAP.includes(moment)) look.natsHeap = await readNatsHeap(this.#target.processes);
  }
}
