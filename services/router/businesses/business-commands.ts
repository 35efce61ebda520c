import type { BusinessCommands, PresenceReport } from '../../../shared/contracts/businesses.ts';
import type { BusinessId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import type { StepReports } from '../assignment/step-reports.ts';
import type { AgentChanges } from './agent-changes.ts';
import type { BusinessSignals } from './business-signals.ts';

type Deps = {
  store: AskStore;
  agentChanges: AgentChanges;
  signals: Pick<BusinessSignals, 'tell'>;
  steps: Pick<StepReports, 'tellDue'>;
};
type Context = { deadlineAt: number; trace: string | undefined };
type Kind = 'agents' | 'availability';
type Commands = {
  [Op in keyof BusinessCommands]: (
    request: { op: Op } & BusinessCommands[Op][0],
    context: Context,
  ) => Promise<BusinessCommands[Op][1]>;
};

/**
 * Store carries out what concerns a business. Each of these may leave something that can be given
 * out. Edges are told afterwards.
 */
export function createBusinessCommands(deps: Deps): Commands {
  const { store, agentChanges, signals, steps } = deps;
  const told = async <Answer>(id: BusinessId, kind: Kind, work: Promise<Answer>) => {
    const answer = await work;
    signals.tell(id, { kind });
    steps.tellDue();
    return answer;
  };
  return {
    'businesses.set_settings': ({ op, ...request }, context) =>
      told(request.business_id, 'availability', store(op, request, context)),
    'businesses.set_agents': (request, context) =>
      told(request.business_id, 'agents', agentChanges[request.op](request, context)),
    'businesses.set_agent': ({ op, ...request }, context) =>
      told(request.business_id, 'agents', store(op, request, context)),
    'businesses.remove_agent': (request, context) =>
      told(request.business_id, 'agents', agentChanges[request.op](request, context)),
    'businesses.set_status': ({ op, ...request }, context) =>
      told(request.business_id, 'availability', store(op, request, context)),
  };
}

/** Lets store look at the agents among users who have come or gone, and tells edges of them. */
export async function reportPresence(
  { store, signals, steps }: Omit<Deps, 'agentChanges'>,
  { changes }: PresenceReport,
  context: Context,
): Promise<void> {
  const { business_ids } = await store('agents.presence', { changes }, context);
  if (business_ids.length > 0) steps.tellDue();
  for (const businessId of business_ids) signals.tell(businessId, { kind: 'availability' });
}
