/** A row of the log that the database keeps of the steps of businesses. */
export type LoggedStep = {
  business_id: string;
  version: number;
  conversation_id: string;
  at: Date;
  step: 'added' | 'assigned' | 'released' | 'closed';
  reason: string;
  agent_id: string | null;
  from_agent_id: string | null;
  waiting_since: Date | null;
  open: number | null;
  capacity: number | null;
};

type State = {
  id: string;
  customerId: string | undefined;
  state: 'closed' | 'waiting' | 'assigned';
  holder: string | null;
  lastAgent: string | null;
  /** A conversation that was reopened may wait for this agent. */
  preferred: string | null;
  waitingSinceMs: number;
};

type Known = {
  /** The map names the customer of each conversation. */
  customers: ReadonlyMap<string, string>;
  /** Tells whether an agent surely was not available at that time. */
  wasGone?: (agentId: string, atMs: number) => boolean;
};

/**
 * Plays the log of one business again, and says what of the promises of the protocol it breaks:
 * states follow each other as they may, each conversation has one agent at most, no assignment but
 * a forced one goes beyond the limit, and no automatic one passes over an older conversation that
 * the same agent could have had. Rows come in the order of their versions.
 */
export class StepLog {
  readonly faults: string[] = [];
  readonly #known: Known;
  readonly #states = new Map<string, State>();
  readonly #waiting = new Set<State>();
  readonly #open = new Map<string, number>();

  constructor(steps: readonly LoggedStep[], known: Known) {
    this.#known = known;
    let version = 0;
    for (const step of steps) {
      if (step.version <= version) this.#fault(step, `comes after version ${version}`);
      version = step.version;
      this.#play(step);
    }
  }

  /** Returns the state in which the log leaves a conversation. */
  stateOf(id: string): Pick<State, 'state' | 'holder'> | undefined {
    const found = this.#states.get(id);
    return found && { state: found.state, holder: found.holder };
  }

  #play(step: LoggedStep): void {
    const known = this.#stateOf(step.conversation_id);
    switch (step.step) {
      case 'added':
        if (known.state !== 'closed') this.#fault(step, `was ${known.state} before`);
        this.#wait(known, step);
        known.preferred = known.lastAgent;
        break;
      case 'assigned':
        this.#assign(known, step);
        break;
      case 'released':
        if (known.state !== 'assigned') this.#fault(step, `was ${known.state} before`);
        this.#lose(known, step);
        this.#wait(known, step);
        break;
      case 'closed':
        if (known.state === 'closed') this.#fault(step, 'was closed before');
        if (known.holder !== null) this.#lose(known, step);
        this.#waiting.delete(known);
        known.state = 'closed';
        known.preferred = null;
        break;
    }
  }

  #assign(known: State, step: LoggedStep): void {
    const { agent_id: agent, from_agent_id: from } = step;
    if (agent === null) {
      this.#fault(step, 'names no agent');
      return;
    }
    if (agent === known.customerId) this.#fault(step, 'the agent is the customer');
    if (from !== null) this.#lose(known, step);
    else if (known.state !== 'waiting') this.#fault(step, `was ${known.state} before`);
    if (step.reason === 'auto') {
      this.#checkTurn(known, step, agent);
      if (this.#wasGone(agent, step)) this.#fault(step, `${agent} was not available`);
    }
    this.#waiting.delete(known);
    const open = (this.#open.get(agent) ?? 0) + 1;
    this.#open.set(agent, open);
    this.#checkLimit(step, open);
    Object.assign(known, { state: 'assigned', holder: agent, lastAgent: agent, preferred: null });
  }

  /**
   * A step counts what an agent has under the lock of the agent. Somebody else may have taken one
   * from the agent meanwhile, so the count may be too high, but never too low.
   */
  #checkLimit(step: LoggedStep, open: number): void {
    const { reason, open: counted, capacity } = step;
    if (counted === null || capacity === null) {
      this.#fault(step, 'has no count');
      return;
    }
    if (counted < open) this.#fault(step, `counted ${counted} of ${open}`);
    if (reason !== 'forced' && counted > capacity) this.#fault(step, `${counted} of ${capacity}`);
  }

  #checkTurn(known: State, step: LoggedStep, agent: string): void {
    for (const other of this.#waiting) {
      if (other === known || !isOlder(other, known) || other.customerId === agent) continue;
      const { preferred } = other;
      const isAwaited =
        preferred !== null && preferred !== agent && !this.#wasGone(preferred, step);
      if (!isAwaited) this.#fault(step, `passed over ${other.id}`);
    }
  }

  #wasGone(agent: string, { at }: LoggedStep): boolean {
    return this.#known.wasGone?.(agent, at.getTime()) === true;
  }

  #lose(known: State, step: LoggedStep): void {
    const { holder } = known;
    if (holder !== step.from_agent_id) this.#fault(step, `was of ${holder}`);
    if (holder !== null) this.#open.set(holder, (this.#open.get(holder) ?? 0) - 1);
    known.holder = null;
  }

  #wait(known: State, { waiting_since: since, at }: LoggedStep): void {
    known.state = 'waiting';
    known.waitingSinceMs = (since ?? at).getTime();
    this.#waiting.add(known);
  }

  #stateOf(id: string): State {
    const found = this.#states.get(id);
    if (found !== undefined) return found;
    const nobody = { holder: null, lastAgent: null, preferred: null };
    const customerId = this.#known.customers.get(id);
    const made: State = { id, customerId, state: 'closed', ...nobody, waitingSinceMs: 0 };
    this.#states.set(id, made);
    return made;
  }

  #fault({ version, step, reason, conversation_id }: LoggedStep, what: string): void {
    this.faults.push(`${version} ${step} (${reason}) of ${conversation_id}: ${what}`);
  }
}

function isOlder(one: State, other: State): boolean {
  if (one.waitingSinceMs !== other.waitingSinceMs) return one.waitingSinceMs < other.waitingSinceMs;
  return one.id < other.id;
}
