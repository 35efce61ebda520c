import { setTimeout as delay } from 'node:timers/promises';
import type { AskedCounts } from '../../dev/kaha/asked.ts';
import type { Mode } from '../../dev/kaha/faults.ts';
import type { Stack } from '../../dev/stack/stack.ts';
import { newId, type UserId } from '../../shared/ids.ts';
import { type Bus, connectBus } from '../../shared/nats/bus.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { createMetrics } from '../../shared/process/metrics.ts';

/** The bench connects as this NATS user, which no edge of the stack uses. */
const NATS_USER = 'edge-2';
const ADD_MAX = 1_000;
const POLL_MS = 50;

export function connectAsEdge(stack: Stack): Promise<Bus> {
  return connectBus({
    url: stack.urls.nats,
    nkeySeed: stack.seeds[NATS_USER] ?? '',
    instance: NATS_USER,
    logger: createLogger({
      service: 'bench',
      instance: NATS_USER,
      level: 'warn',
      hashKey: 'bench',
    }),
    metrics: createMetrics('bench', NATS_USER),
  });
}

/**
 * The bench controls the parts of a stack around profiles, and reads from them, by means of this
 * class.
 */
export class ProfilesTarget {
  readonly #stack: Stack;

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  /** Adds this many new people to kaha-main-v3. Resolves with their ids. */
  async addPeople(count: number): Promise<UserId[]> {
    const ids = Array.from({ length: count }, () => newId<UserId>());
    for (let start = 0; start < count; start += ADD_MAX) {
      const users = ids.slice(start, start + ADD_MAX).map((id) => ({
        ...{ id, name: `Somebody ${id.slice(0, 4)}`, user_type: 'customer' },
        avatar_url: `https://example.com/avatars/${id}.png`,
      }));
      await this.#post('/_dev/users', { users });
    }
    return ids;
  }

  control(control: { mode?: Mode; reset?: true }): Promise<void> {
    return this.#post('/_control', control);
  }

  async asked(): Promise<AskedCounts> {
    return (await (await fetch(`${this.#stack.urls.kaha}/_control`)).json()) as AskedCounts;
  }

  /**
   * Resolves with the milliseconds until the circuit is as wanted (0 closed, 2 open). Throws after
   * `waitMs`.
   */
  async untilCircuit(wanted: 0 | 2, waitMs: number): Promise<number> {
    const begunAt = performance.now();
    while ((await this.#metric('kaha_profiles_circuit_state')) !== wanted) {
      if (performance.now() - begunAt > waitMs) throw new Error(`circuit is not ${wanted}`);
      await delay(POLL_MS);
    }
    return performance.now() - begunAt;
  }

  /** Resolves with the CPU-seconds that profiles has taken so far. */
  cpuS(): Promise<number> {
    return this.#metric('process_cpu_seconds_total');
  }

  async #metric(name: string): Promise<number> {
    const profiles = this.#stack.processes.find((process) => process.name === 'profiles');
    const text = await (await fetch(`http://127.0.0.1:${profiles?.admin_port}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(`${name}{`));
    return Number(line?.split(' ').at(-1));
  }

  async #post(path: string, body: unknown): Promise<void> {
    const options = { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(`${this.#stack.urls.kaha}${path}`, options);
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
  }
}
