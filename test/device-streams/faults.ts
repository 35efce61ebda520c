import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '../../shared/ids.ts';
import type { Bus } from '../../shared/nats/bus.ts';
import type { NatsLinks } from '../harm/nats-links.ts';
import type { Person, System } from '../stage/stack.ts';
import { append, itemOf } from '../stage/store-bus.ts';
import type { DeviceQueues } from './device-queues.ts';
import type { Fault } from './plan.ts';
import type { Disturbance } from './record.ts';
import type { RecordedDevice } from './recorded-device.ts';

type Deps = { system: System; links: NatsLinks; bus: Bus; queues: DeviceQueues };

/** A fault names what it harms by its index, and these functions return what that is. */
type Targets = {
  conversation(index: number): { id: string; people: readonly Person[] };
  device(index: number): RecordedDevice;
};
type FaultOfProcess = Extract<Fault, { process: string }>;

/** Does harm, and undoes it. The faults of one process follow each other. */
export class Faults {
  readonly done: Disturbance[] = [];
  readonly #deps: Deps;
  readonly #busy = new Map<string, Promise<void>>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Resolves once all is as before. */
  async do(fault: Fault, targets: Targets): Promise<void> {
    if (fault.kind === 'owe') return this.#owe(targets.conversation(fault.conversation));
    if (fault.kind === 'lose') return this.#lose(targets.device(fault.device));
    const { process } = fault;
    const turn = (this.#busy.get(process) ?? Promise.resolve()).then(async () => {
      this.done.push({ kind: `${fault.kind} ${process}`, atMs: Date.now() });
      await this.#harm(fault);
    });
    this.#busy.set(process, turn);
    await turn;
  }

  async #harm({ kind, process, forMs }: FaultOfProcess): Promise<void> {
    const { system, links } = this.#deps;
    switch (kind) {
      case 'cut':
        links.cut(process);
        await delay(forMs);
        links.mend(process);
        return;
      case 'freeze':
        system.signal(process, 'SIGSTOP');
        await delay(forMs);
        system.signal(process, 'SIGCONT');
        return;
      case 'kill':
        system.signal(process, 'SIGKILL');
        await delay(forMs);
        await system.stack.start(process);
        return;
      case 'drain':
        await system.stack.stopProcess(process);
        await delay(forMs);
        await system.stack.start(process);
    }
  }

  /** Commits a message of which no router hears. */
  async #owe({ id, people }: ReturnType<Targets['conversation']>): Promise<void> {
    this.done.push({ kind: 'owe', atMs: Date.now() });
    const [sender] = people as [Person];
    await append(this.#deps.bus, id, [itemOf(sender.id, newId<string>(), 'owed')]);
  }

  /** Deletes the device's queue, unless it is just being made. */
  async #lose(device: RecordedDevice): Promise<void> {
    const { name } = device.record;
    const atMs = Date.now();
    if (await this.#deps.queues.lose(device))
      this.done.push({ kind: `lose ${name}`, atMs, device: name });
  }
}
