import type { Businesses } from '../../../clients/js/src/business/index.ts';
import type { Agent } from '../../../clients/js/src/index.ts';

/** A business has 1000 agents at most, and a page has 50. */
const PAGES_MAX = 20;

/** Resolves with all agents of a business. */
export async function listAgents(businesses: Businesses, businessId: string): Promise<Agent[]> {
  const agents: Agent[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await businesses.agents(businessId, cursor);
    agents.push(...page.agents);
    if (page.next_cursor === null) break;
    cursor = page.next_cursor;
  }
  return agents;
}
