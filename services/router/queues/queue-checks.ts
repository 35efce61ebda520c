import { Gate } from '../../../shared/concurrency/gate.ts';
import type { QueuesCheck, QueuesChecked } from '../../../shared/contracts/router-ops.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import type { Device, KnownQueues } from './known-queues.ts';
import type { QueueApi } from './queue-api.ts';

/**
 * At most this many looks for queues run at once, over all checks. If NATS has lost many queues,
 * the sessions that are made anew need JetStream too.
 */
const LOOKS = { concurrencyMax: 16, waitingMax: 8_000 };
/** A look takes at most this long, so none begins later than this before the answer is due. */
const LOOK_MS = 2_000;

type Deps = {
  known: Pick<KnownQueues, 'mayExist' | 'isDoubted'>;
  isCurrent: () => boolean;
  api: Pick<QueueApi, 'info'>;
  /** Tells all routers that an edge holds the device, which they may have found away. */
  tellHeld: (device: Device) => void;
  metrics: Pick<RouterMetrics, 'queuesChecked'>;
};

/**
 * Answers edges which of the queues on which their sessions rely do not exist. A session whose
 * queue is gone would hear nothing more, and only an edge knows which sessions there are. The
 * router calls a queue unknown only if it knows all queues but this one, and JetStream has it not
 * either. A queue about which JetStream gives no answer in time is `unsaid`: the edge asks again.
 */
export class QueueChecks {
  readonly #deps: Deps;
  readonly #looks = new Gate(LOOKS);

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async check({ devices }: QueuesCheck, deadlineAt: number): Promise<QueuesChecked> {
    const { isCurrent, tellHeld, metrics } = this.#deps;
    for (const [userId, deviceId] of devices) tellHeld({ userId, deviceId });
    if (!isCurrent()) {
      metrics.queuesChecked.inc({ outcome: 'cannot_say' }, devices.length);
      return { cannot_say: true };
    }
    const found = { known: 0, unknown: [] as number[], unsaid: [] as number[] };
    const looks = devices.map(async ([userId, deviceId], index) => {
      const outcome = await this.#find({ userId, deviceId }, deadlineAt);
      if (outcome === 'known') found.known += 1;
      else found[outcome].push(index);
    });
    await Promise.all(looks);
    const { unknown, unsaid } = found;
    metrics.queuesChecked.inc({ outcome: 'known' }, found.known);
    metrics.queuesChecked.inc({ outcome: 'unknown' }, unknown.length);
    metrics.queuesChecked.inc({ outcome: 'unsaid' }, unsaid.length);
    return { unknown, unsaid };
  }

  async #find(device: Device, deadlineAt: number): Promise<'known' | 'unknown' | 'unsaid'> {
    const { known, api } = this.#deps;
    const mayExist = (): boolean => known.mayExist(device) && !known.isDoubted(device);
    if (mayExist()) return 'known';
    try {
      return await this.#looks.run(async () => {
        if (steadyMs() >= deadlineAt - LOOK_MS) return 'unsaid';
        const info = await api.info(device);
        // The queue may be being made since the check came.
        return info !== undefined || mayExist() ? 'known' : 'unknown';
      });
    } catch {
      // Neither JetStream nor a place at the gate was free for this look.
      return 'unsaid';
    }
  }
}
