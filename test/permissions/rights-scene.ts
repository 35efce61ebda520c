import { newId } from '../../shared/ids.ts';
import { askAsService, makeBusiness } from '../stage/business.ts';
import { BusinessConversation } from '../stage/business-conversation.ts';
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
 * Resolves with a new business and its conversation with the customer. Unless it is new, three
 * agents have had it: the one who is gone, then the former one, then the holder. Each of them has
 * written.
 */
export async function setRightsScene(
  system: System,
  cast: RightsCast,
  state: RightsState,
): Promise<RightsScene> {
  const { customer, holder, other, former, gone, manager, stranger } = peopleOf(cast);
  const agents = [holder, other, former, gone];
  const business = await makeBusiness(system, { managers: [manager], agents });
  const talk = await BusinessConversation.open(system, customer, business);
  const sent = new Map<string, RightsTarget['sent']>();
  const say = async (person: Person): Promise<string> => {
    const body = { client_msg_id: newId<string>(), content: `said by ${person.id}` };
    sent.set(person.id, body);
    return String(carriedOut(await talk.ask(person, 'POST /messages', body)).message_id);
  };
  let [message, theirs] = ['', ''];
  if (state !== 'new') {
    message = await say(customer);
    carriedOut(await talk.assign(gone));
    await say(gone);
    carriedOut(await talk.assign(gone, { agent_id: former.id }));
    theirs = await say(former);
    carriedOut(await talk.assign(former, { agent_id: holder.id }));
    await say(holder);
  }
  carriedOut(await askAsService(system, `DELETE /businesses/${business}/agents/${gone.id}`));
  if (state === 'waiting') carriedOut(await talk.release(holder));
  if (state === 'closed') carriedOut(await talk.close(holder));
  return {
    cast,
    targetOf(standing) {
      const callerId = standing === 'service' ? newId<string>() : cast[standing].person.id;
      const agentId = standing === 'other' ? former.id : other.id;
      const ids = { conversation: talk.id, business, message, theirs, callerId, agentId };
      return { ...ids, sent: sent.get(callerId), strangerId: stranger.id };
    },
  };
}

function peopleOf(cast: RightsCast): Record<User, Person> {
  const people = USERS.map((user) => [user, cast[user].person]);
  return Object.fromEntries(people) as Record<User, Person>;
}

function carriedOut({ status, body }: RestAnswer): RestAnswer['body'] {
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body;
}

export async function askOverRest(
  system: System,
  who: Person | undefined,
  { method, path, body }: { method: string; path: string; body?: unknown },
): Promise<RestAnswer> {
  if (who === undefined) return askAsService(system, `${method} ${path}`, body);
  return system.rest(method, `/api/v1${path}`, { token: who.token, body });
}
