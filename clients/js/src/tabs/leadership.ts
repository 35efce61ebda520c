import type { Locks } from '../platform/browser-types.ts';

type Deps = {
  name: string;
  locks: Locks;
  /** This tab is the leader from now on. */
  onLead: () => void;
  /** Another tab took the lead away, because this one did not answer. */
  onLost: () => void;
};

type Leadership = {
  isLeader(): boolean;
  /** Takes the lead from a tab that does not answer. */
  steal(): void;
  end(): void;
};

/**
 * One tab of those with the same name leads. When it ends, however that happens, the browser gives
 * its lock to the next one at once. A leader that the browser has frozen keeps its lock, so another
 * tab may steal it.
 */
export function createLeadership({ name, locks, onLead, onLost }: Deps): Leadership {
  let isLeader = false;
  /** The turn ends a request that has become void. */
  let turn = 0;
  let release = (): void => undefined;

  const wait = (steal: boolean): void => {
    turn += 1;
    const own = turn;
    // A request from before a steal gets the lock later, and gives it on.
    const held = (): unknown => own === turn && lead();
    locks.request(name, { steal }, held).catch(() => {
      if (own !== turn) return;
      // The lock was stolen, or the browser refuses locks here and the tab leads itself alone.
      if (!isLeader) return void lead();
      isLeader = false;
      release();
      onLost();
      wait(false);
    });
  };
  const lead = (): Promise<void> => {
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    isLeader = true;
    onLead();
    return released;
  };
  wait(false);
  return {
    isLeader: () => isLeader,
    steal() {
      if (!isLeader) wait(true);
    },
    end() {
      turn += 1;
      isLeader = false;
      release();
    },
  };
}
