import { newId } from '../../shared/ids.ts';
import { askAsService, makeBusiness } from '../stage/business.ts';
import type { Client } from '../stage/client.ts';
import type { Person, RestAnswer, System } from '../stage/stack.ts';
import type { RightsTarget } from './rights-doors.ts';
import { type RightsState, STANDINGS, type Standing } from './rights-table.ts';

type User = Exclude<Standing, 'service'>;
/** Each user of the cast has one standing, and a socket. */
export type RightsCast = Record<User, { person: Person; client: Client }>;
export type RightsScene = {
  cast: RightsCast;
  targetOf(standing: Standing): RightsTarget;
};

const USERS = STANDINGS.filter((standing) => standing !== 'service');

export async function setCast(system: System): Promise<RightsCast> {
  const entries = await Promise.all(
    USERS.map(async (standing, index) => {
      const person = await system.person();
      const client = await system.connectNew(person, { edge: 1 + (index % 2) });
      return [standing, { person, client }] as const;
    }),
  );
  return Object.fromEntries(entries) as RightsCast;
}

/**
 * Resolves with a new business and its conversation with the customer, which three agents have had:
 * the one who is gone, then the former one, then the holder. Each of them has written.
 */
export async function setRightsScene(
  system: System,
  cast: RightsCast,
  state: RightsState,
): Promise<RightsScene> {
  const people = Object.fromEntries(USERS.map((user) => [user, cast[user].person]));
  const { customer, holder, other, former, gone, manager, stranger } = people as Record<
    User,
    Person
  >;
  const agents = [holder, other, former, gone];
  const business = await makeBusiness(system, { managers: [manager], agents });
  const must = async ({ token }: Person, what: string, body?: unknown) => {
    const [method, path] = what.split(' ') as [string, string];
    const answer = await system.rest(method, `/api/v1${path}`, { token, body });
    if (answer.status >= 300) throw new Error(`${what}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const made = { type: 'business', business_id: business };
  const conversation = String((await must(customer, 'POST /conversations', made)).conversation_id);
  system.canaries.add(conversation);
  const at = `/conversations/${conversation}`;
  const sent = new Map<string, RightsTarget['sent']>();
  const say = async (person: Person): Promise<string> => {
    const body = { client_msg_id: newId<string>(), content: `said by ${person.id}` };
    sent.set(person.id, body);
    return String((await must(person, `POST ${at}/messages`, body)).message_id);
  };
  const message = await say(customer);
  await must(gone, `PUT ${at}/assignee`);
  await say(gone);
  await must(gone, `PUT ${at}/assignee`, { agent_id: former.id });
  const theirs = await say(former);
  await must(former, `PUT ${at}/assignee`, { agent_id: holder.id });
  await say(holder);
  await askAsService(system, `DELETE /businesses/${business}/agents/${gone.id}`);
  if (state === 'waiting') await must(holder, `DELETE ${at}/assignee`);
  if (state === 'closed') await must(holder, `PUT ${at}/state`, { state: 'closed' });
  return {
    cast,
    targetOf(standing) {
      const callerId = standing === 'service' ? newId<string>() : cast[standing].person.id;
      const agentId = standing === 'other' ? former.id : other.id;
      const ids = { conversation, business, message, theirs, callerId, agentId };
      return { ...ids, sent: sent.get(callerId), strangerId: stranger.id };
    },
  };
}

export async function askOverRest(
  system: System,
  who: Person | undefined,
  { method, path, body }: { method: string; path: string; body?: unknown },
): Promise<RestAnswer> {
  if (who === undefined) return askAsService(system, `${method} ${path}`, body);
  return system.rest(method, `/api/v1${path}`, { token: who.token, body });
}
