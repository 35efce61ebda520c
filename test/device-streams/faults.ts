import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '../../shared/ids.ts';
import type { Bus } from '../../shared/nats/bus.ts';
import type { NatsLinks } from '../harm/nats-links.ts';
import type { System } from '../stage/stack.ts';
import { append, itemOf } from '../stage/store-bus.ts';
import type { Fault } from './plan.ts';
import type { Disturbance } from './record.ts';

type Deps = { system: System; links: NatsLinks; bus: Bus };
/** A message of this person is committed, and nobody is told of it. */
type Owed = { conversation: string; person: string };

/** Does harm, and undoes it. The faults of one process follow each other. */
export class Faults {
  readonly done: Disturbance[] = [];
  readonly #deps: Deps;
  readonly #busy = new Map<string, Promise<void>>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Resolves once all is as before. */
  async do(fault: Fault, owed: (conversation: number) => Owed): Promise<void> {
    if (fault.kind === 'owe') return this.#owe(owed(fault.conversation));
    const { process } = fault;
    const turn = (this.#busy.get(process) ?? Promise.resolve()).then(async () => {
      this.done.push({ kind: `${fault.kind} ${process}`, atMs: Date.now() });
      await this.#harm(fault);
    });
    this.#busy.set(process, turn);
    await turn;
  }

  async #harm({ kind, process, forMs }: Exclude<Fault, { kind: 'owe' }>): Promise<void> {
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

  async #owe({ conversation, person }: Owed): Promise<void> {
    this.done.push({ kind: 'owe', atMs: Date.now() });
    await append(this.#deps.bus, conversation, [itemOf(person, newId<string>(), 'owed')]);
  }
}
