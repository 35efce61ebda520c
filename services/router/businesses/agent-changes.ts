import type { BusinessCommands } from '../../../shared/contracts/businesses.ts';
import type { ReturnedConversations } from '../../../shared/contracts/outbox.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import type { StepReports } from '../assignment/step-reports.ts';
import { handOn } from '../conversations/hand-on.ts';
import type { MembershipSignals } from '../conversations/membership-signals.ts';
import type { InHand, OwedFanOuts } from '../fan-out/owed-fan-outs.ts';
import type { LiveReceipts } from '../positions/live-receipts.ts';

type Deps = {
  store: AskStore;
  fanOuts: Pick<OwedFanOuts, 'room' | 'inHand' | 'start' | 'startLast'>;
  liveReceipts: Pick<LiveReceipts, 'noteVersion'>;
  memberships: Pick<MembershipSignals, 'publishLeft'>;
  steps: Pick<StepReports, 'tell'>;
};
type Context = { deadlineAt: number; trace: string | undefined };
type Commands = Pick<BusinessCommands, 'businesses.set_agents' | 'businesses.remove_agent'>;
/** Each command removes agents of a business, or may do so. */
export type AgentChanges = {
  [Op in keyof Commands]: (
    request: { op: Op } & Commands[Op][0],
    context: Context,
  ) => Promise<Commands[Op][1]>;
};

/**
 * Carries out what may remove agents. What they had waits again, in many conversations at once, so
 * this passes by the actors of these. An actor learns from the answer to its next append that its
 * participants are out of date.
 */
export function createAgentChanges({ store, ...deps }: Deps): AgentChanges {
  return {
    async 'businesses.set_agents'({ op, ...request }, context) {
      await deps.fanOuts.room();
      const inHand = deps.fanOuts.inHand();
      const { returned, ...page } = await store(op, request, context);
      tell(deps, returned, inHand);
      return page;
    },
    async 'businesses.remove_agent'({ op, ...request }, context) {
      await deps.fanOuts.room();
      const inHand = deps.fanOuts.inHand();
      const { returned } = await store(op, request, context);
      tell(deps, returned, inHand);
      return undefined;
    },
  };
}

function tell(
  { fanOuts, liveReceipts, memberships, steps }: Omit<Deps, 'store'>,
  returned: ReturnedConversations | undefined,
  inHand: InHand,
): void {
  if (returned === undefined) return;
  for (const [conversation_id, version, customerId] of returned.all) {
    liveReceipts.noteVersion(conversation_id, version);
    memberships.publishLeft({ conversation_id, version }, [customerId]);
  }
  for (const told of returned.told) {
    steps.tell(told.inbox);
    handOn(fanOuts, told, inHand);
  }
}
