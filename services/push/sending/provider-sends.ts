import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { LRUCache } from 'lru-cache';
import { Gate } from '../../../shared/concurrency/gate.ts';
import { pause } from '../../../shared/concurrency/pause.ts';
import { shortened } from '../content/shortened.ts';
import type {
  DropReason,
  Push,
  PushAnswer,
  PushOutcome,
  PushProvider,
  PushRegistration,
} from '../providers/provider.ts';
import { HostCircuit } from './host-circuit.ts';
import {
  beginStanding,
  dropped,
  judgeAnswer,
  judgeRefusal,
  type Standing,
  type Verdict,
} from './judge-answer.ts';
import { PruningGuard } from './pruning-guard.ts';
import { SendRate } from './send-rate.ts';
import type { SendTerms } from './send-terms.ts';

type Compose = () => Push | undefined | Promise<Push | undefined>;

type Deps = {
  provider: PushProvider;
  terms: SendTerms;
  /** The steady clock, and the clock on the wall by which pushes expire. */
  now: () => number;
  wallMs: () => number;
  random: () => number;
  onAnswer: (answer: PushAnswer, tookMs: number) => void;
  /** Somebody who runs the service should look at this. */
  onAlert: (problem: string, reason: string) => void;
};

type Host = { circuit: HostCircuit; rate: SendRate; gate: Gate; pruning: PruningGuard };
type Job = { id: string; compose: Compose };

/**
 * Brings the pushes of one provider to their end. Each host has a circuit, a rate and a bulkhead of
 * its own, and all hosts of the provider have one more bulkhead together. A push that waits for its
 * next try has no place in any of them. Beyond `pendingMax`, a push is dropped at once.
 */
export class ProviderSends {
  readonly #deps: Deps;
  readonly #hosts: LRUCache<string, Host>;
  readonly #gate: Gate;
  readonly #closing = new AbortController();
  #pending = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    const { concurrencyMax, pendingMax, hostsMax } = deps.terms;
    this.#hosts = new LRUCache({ max: hostsMax });
    this.#gate = new Gate({ concurrencyMax, waitingMax: pendingMax });
    setMaxListeners(0, this.#closing.signal);
  }

  get waiting(): number {
    return this.#pending;
  }

  get openCircuits(): number {
    return [...this.#hosts.values()].filter(({ circuit }) => circuit.isOpen).length;
  }

  async send(registration: PushRegistration, compose: Compose): Promise<PushOutcome> {
    if (this.#pending >= this.#deps.terms.pendingMax) return drop('full');
    this.#pending += 1;
    try {
      return await this.#toTheEnd(registration, { id: randomUUID(), compose });
    } finally {
      this.#pending -= 1;
    }
  }

  /** Gives up what waits. A try that is under way ends first. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#deps.provider.close();
  }

  async #toTheEnd(registration: PushRegistration, job: Job): Promise<PushOutcome> {
    let standing = beginStanding(registration, this.#deps.now());
    while (!this.#closing.signal.aborted) {
      const verdict = await this.#step(standing, job);
      if (verdict.kind === 'done') return verdict.outcome;
      standing = verdict.standing;
      if (verdict.waitMs > 0) await pause(verdict.waitMs, this.#closing.signal);
    }
    return drop('closed');
  }

  async #step(standing: Standing, job: Job): Promise<Verdict> {
    const host = this.#hostOf(standing.registration);
    const openMs = host.circuit.waitMs();
    if (openMs > 0) return judgeRefusal(standing, openMs, this.#moment());
    const waitMs = host.rate.take(this.#deps.now());
    if (waitMs > 0) await pause(waitMs, this.#closing.signal);
    return host.gate.run(() => this.#gate.run(() => this.#tryOnce(host, standing, job)));
  }

  async #tryOnce(host: Host, standing: Standing, { id, compose }: Job): Promise<Verdict> {
    const { provider, terms, now, wallMs } = this.#deps;
    if (this.#closing.signal.aborted) return dropped('closed');
    if (now() > standing.startedAtMs + terms.retries.withinMs) return dropped('unavailable');
    const openMs = host.circuit.waitMs();
    if (openMs > 0) return judgeRefusal(standing, openMs, this.#moment());
    const composed = await this.#compose(compose);
    if (composed === undefined) return dropped('not_wanted');
    if ('isUnavailable' in composed) return judgeAnswer(standing, UNCOMPOSED, this.#moment());
    if (composed.expiresAtMs <= wallMs()) return dropped('expired');
    const push = standing.isShort ? shortened(composed) : composed;
    const beganMs = now();
    const answer = await host.circuit.run(() => provider.send(standing.registration, { id, push }));
    if (answer === undefined) return judgeRefusal(standing, host.circuit.waitMs(), this.#moment());
    this.#deps.onAnswer(answer, now() - beganMs);
    return this.#judge(host, standing, answer);
  }

  #judge(host: Host, standing: Standing, answer: PushAnswer): Verdict {
    const { now, onAlert } = this.#deps;
    if (answer.kind === 'slow_down') host.rate.slowDown(now());
    if (answer.kind === 'taken') host.pruning.noteThere(now());
    if (answer.kind === 'our_fault') onAlert('refuses our keys or settings', answer.reason);
    const verdict = judgeAnswer(standing, answer, this.#moment());
    if (verdict.kind !== 'done' || reasonOf(verdict.outcome) !== 'gone') return verdict;
    if (host.pruning.mayPrune(now())) return verdict;
    onAlert('says of too many registrations that they are gone', 'pruning_stopped');
    return dropped('pruning_stopped');
  }

  /** Composes the push. Store and others may be asked for it, and may be away. */
  async #compose(compose: Compose): Promise<Push | undefined | { isUnavailable: true }> {
    try {
      return await compose();
    } catch (error) {
      this.#deps.onAlert('has a push that could not be composed', (error as Error).name);
      return { isUnavailable: true };
    }
  }

  #hostOf(registration: PushRegistration): Host {
    const name = this.#deps.provider.hostOf(registration);
    const known = this.#hosts.get(name);
    if (known !== undefined) return known;
    const { terms, now, onAlert } = this.#deps;
    const host = {
      circuit: new HostCircuit({
        ...{ terms: terms.circuit, now },
        onChange: (isOpen) => isOpen && onAlert('does not answer: its circuit is open', name),
      }),
      rate: new SendRate(terms),
      gate: new Gate({ concurrencyMax: terms.hostConcurrencyMax, waitingMax: terms.pendingMax }),
      pruning: new PruningGuard(),
    };
    this.#hosts.set(name, host);
    return host;
  }

  #moment() {
    const { now, random, terms } = this.#deps;
    return { nowMs: now(), random, terms: terms.retries };
  }
}

const UNCOMPOSED: PushAnswer = { kind: 'unavailable', reason: 'compose' };

function drop(reason: DropReason): PushOutcome {
  return { kind: 'dropped', reason };
}

function reasonOf(outcome: PushOutcome): DropReason | undefined {
  return outcome.kind === 'dropped' ? outcome.reason : undefined;
}
