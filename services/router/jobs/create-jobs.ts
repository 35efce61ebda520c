import type { Bus } from '../../../shared/nats/bus.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import type { ServiceDeps } from '../../../shared/process/boot.ts';
import type { Closers } from '../../../shared/process/closers.ts';
import type { StepReports } from '../assignment/step-reports.ts';
import type { AgentChanges } from '../businesses/agent-changes.ts';
import { createBusinessCommands } from '../businesses/business-commands.ts';
import type { BusinessSignals } from '../businesses/business-signals.ts';
import type { ConversationActors } from '../conversations/conversation-actors.ts';
import type { Queues } from '../queues/create-queues.ts';
import { JobRunner } from './job-runner.ts';
import { carryOutTask } from './job-tasks.ts';

type Deps = ServiceDeps & {
  bus: Bus;
  store: AskStore;
  queues: Queues;
  actors: ConversationActors;
  agentChanges: AgentChanges;
  signals: BusinessSignals;
  steps: StepReports;
};

/** Wires what runs the jobs that store keeps. */
export function createJobs(deps: Deps, closers: Closers): JobRunner {
  const { bus, store, queues, actors, metrics, logger } = deps;
  const commands = createBusinessCommands(deps);
  const tasks = {
    bus,
    queues,
    change: actors.change.bind(actors),
    removeAgent: commands['businesses.remove_agent'],
  };
  const runner = new JobRunner({
    store,
    carryOut: (task) => carryOutTask(tasks, task),
    isConnected: () => bus.connected,
    logger,
  });
  closers.push('jobs', () => runner.close());
  metrics.gauge('kaha_router_jobs', 'Jobs that this router runs', () => runner.size);
  return runner;
}
