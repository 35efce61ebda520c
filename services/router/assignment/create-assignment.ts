import type { Bus } from '../../../shared/nats/bus.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import type { ServiceDeps } from '../../../shared/process/boot.ts';
import type { Closers } from '../../../shared/process/closers.ts';
import type { ConversationActors } from '../conversations/conversation-actors.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import { AssignmentDriver } from './assignment-driver.ts';
import { AssignmentSweep } from './assignment-sweep.ts';
import type { StepReports } from './step-reports.ts';

type Deps = ServiceDeps & {
  bus: Bus;
  store: AskStore;
  actors: ConversationActors;
  steps: StepReports;
  counters: RouterMetrics;
};

/** Wires what gives out by itself what waits in the inboxes of businesses. */
export function createAssignment(deps: Deps, closers: Closers): void {
  const { bus, store, actors, steps, counters, metrics, logger } = deps;
  const isConnected = (): boolean => bus.connected;
  const driver = new AssignmentDriver({
    store,
    change: (command, deadlineAt) => actors.change(command, { deadlineAt, trace: undefined }),
    isConnected,
    logger,
  });
  const poke = (): void => driver.poke();
  steps.onDue(poke);
  closers.push('assignment', () => driver.close());
  const sweep = new AssignmentSweep({ store, poke, isConnected, metrics: counters, logger });
  closers.push('assignment sweep', () => sweep.close());
  metrics.gauge('kaha_assignment_businesses', 'Businesses leased now', () => driver.size);
}
