import { subjects } from '../../../shared/contracts/subjects.ts';
import type { Bus, Msg } from '../../../shared/nats/bus.ts';
import { parseJson } from '../../../shared/nats/parse-json.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Loss, ShardEnd, ShardTails } from './shard-tails.ts';

const TELL_MS = 1_000;
/** Every so many tellings, a router tells all ends, because a signal may be lost. */
const ALL_EVERY = 16;

/**
 * A router says that a shard has lost its tail, and which of the lost numbers were its own. It has
 * dealt with the queues that these concern.
 */
export type LossHeard = Loss & { from: string; shard: number; claimed: number[] };
type Signal = { from: string } & (
  | { ends: [shard: number, seq: number, ageMs: number][]; is_informed: boolean }
  | { asks: true }
  | {
      lost: { shard: number; kept_seq: number; up_to_seq: number; age_ms: number };
      claimed: number[];
    }
);

type Deps = {
  bus: Bus;
  instance: string;
  tails: ShardTails;
  now: () => number;
  /** Hears of shards that have lost their tails, as what another router told proves. */
  onProven: (shards: number[]) => void;
  onLost: (loss: LossHeard) => void;
  logger: Logger;
};

/**
 * Tells the other routers each second which ends of shards this router has heard of, and hears
 * theirs. Ages travel instead of times, because the clocks of machines differ. Signals are best
 * effort: each router tells all ends about every 16 s, after a reconnect, and when another asks.
 */
export class TailSignals {
  readonly #deps: Deps;
  readonly #timer: NodeJS.Timeout;
  readonly #subscription: { unsubscribe(): void };
  readonly #informed: Promise<void>;
  #isInformed = false;
  #inform = (): void => undefined;
  #tellings = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#informed = new Promise((resolve) => {
      this.#inform = () => {
        this.#isInformed = true;
        resolve();
      };
    });
    this.#subscription = deps.bus.subscribe(subjects.queuesTails, (msg) => this.#receive(msg));
    this.#timer = setInterval(() => this.#tick(), TELL_MS);
    deps.bus.onReconnect(() => {
      this.tellAll();
      this.ask();
    });
  }

  /** Resolves once this router knows the ends that were acknowledged before it started. */
  get informed(): Promise<void> {
    return this.#informed;
  }

  get isInformed(): boolean {
    return this.#isInformed;
  }

  /** Notes that this router knows all that it can know of what was before it started. */
  noteInformed(): void {
    this.#inform();
  }

  ask(): void {
    this.#publish({ from: this.#deps.instance, asks: true });
  }

  tellAll(): void {
    this.#tell('all');
  }

  tellLoss(shard: number, loss: Loss, claimed: number[]): void {
    const { instance: from, now } = this.#deps;
    const { keptSeq: kept_seq, upToSeq: up_to_seq, foundAt } = loss;
    const age_ms = Math.max(0, now() - foundAt);
    this.#publish({ from, lost: { shard, kept_seq, up_to_seq, age_ms }, claimed });
  }

  close(): void {
    clearInterval(this.#timer);
    // What this router told nobody yet would be forgotten with it.
    this.#tell('changed');
    if (!this.#deps.bus.nc.isClosed()) this.#subscription.unsubscribe();
  }

  #tick(): void {
    this.#tellings += 1;
    this.#tell(this.#tellings % ALL_EVERY === 0 ? 'all' : 'changed');
  }

  #tell(which: 'changed' | 'all'): void {
    const { bus, instance: from, tails, now } = this.#deps;
    if (!bus.connected) return;
    const at = now();
    const ends = tails.ends(which).map((end): [number, number, number] => {
      return [end.shard, end.seq, Math.max(0, Math.floor(at - end.at))];
    });
    if (ends.length === 0 && which === 'changed') return;
    this.#publish({ from, ends, is_informed: this.#isInformed && which === 'all' });
  }

  #publish(signal: Signal): void {
    this.#deps.bus.publish(subjects.queuesTails, JSON.stringify(signal));
  }

  #receive(msg: Msg): void {
    const { instance, logger } = this.#deps;
    try {
      const signal = parseJson(msg.data) as Signal;
      if (signal.from !== instance) this.#hear(signal);
    } catch (error) {
      logger.error({ err: error }, 'signal not understood');
    }
  }

  #hear(signal: Signal): void {
    const { tails, now, onProven, onLost } = this.#deps;
    if ('asks' in signal) {
      this.tellAll();
    } else if ('ends' in signal) {
      const at = now();
      const ends = signal.ends.map(([shard, seq, ageMs]): ShardEnd => {
        return { shard, seq, at: at - ageMs };
      });
      const proven = tails.told(ends);
      if (signal.is_informed) this.#inform();
      if (proven.length > 0) onProven(proven);
    } else {
      const { shard, kept_seq: keptSeq, up_to_seq: upToSeq, age_ms } = signal.lost;
      const foundAt = now() - age_ms;
      onLost({ from: signal.from, shard, keptSeq, upToSeq, foundAt, claimed: signal.claimed });
    }
  }
}
