import { until } from '../../dev/testing/until.ts';
import type { LoggedStep } from '../crowd/step-log.ts';
import { askAsService, makeBusiness } from './business.ts';
import { BusinessConversation } from './business-conversation.ts';
import type { Client } from './client.ts';
import type { Person, System } from './stack.ts';

type Settings = Record<string, unknown>;
type Staffed = {
  agents: readonly Person[];
  settings?: Settings;
  isAvailable?: boolean;
  /** The agents have sockets already. */
  areThere?: boolean;
};

/** A customer has written to a business. */
export type Visit = { customer: Person; talk: BusinessConversation };

/** A business whose agents have sockets, and what the database keeps of it. */
export class Desk {
  readonly id: string;
  readonly system: System;
  readonly #sockets = new Map<Person, Client>();

  private constructor(system: System, id: string) {
    this.system = system;
    this.id = id;
  }

  /** Opens a business that has these settings. Its agents are online, and say so. */
  static async open(system: System, staffed: Staffed) {
    const { agents, settings, isAvailable = true, areThere = false } = staffed;
    const desk = new Desk(system, await makeBusiness(system, { agents }));
    if (settings !== undefined) await desk.set(settings);
    if (!areThere) await Promise.all(agents.map((agent) => desk.come(agent)));
    if (isAvailable) await Promise.all(agents.map((agent) => desk.say(agent, 'available')));
    return desk;
  }

  /** Replaces the settings. */
  async set(settings: Settings): Promise<void> {
    const body = { time_zone: 'Etc/UTC', ...settings };
    const set = await askAsService(this.system, `PUT /businesses/${this.id}`, body);
    if (set.status !== 200) throw new Error(`${set.status} ${JSON.stringify(set.body)}`);
  }

  /** The agent says how they are. */
  async say({ token }: Person, status: 'available' | 'away' | 'offline'): Promise<void> {
    const path = `/api/v1/businesses/${this.id}/availability`;
    const set = await this.system.rest('PUT', path, { token, body: { status } });
    if (set.status !== 200) throw new Error(`${set.status} ${JSON.stringify(set.body)}`);
  }

  /** The agent opens a socket. */
  async come(agent: Person): Promise<void> {
    const { system } = this;
    const isBack = this.#sockets.has(agent);
    this.#sockets.set(agent, await (isBack ? system.connect(agent) : system.connectNew(agent)));
  }

  /** The agent closes their socket. */
  async go(agent: Person): Promise<void> {
    await this.#sockets.get(agent)?.close();
  }

  /** A customer writes to the business, as a rule a new one. */
  async visit(by?: Person): Promise<Visit> {
    const customer = by ?? (await this.system.person());
    const talk = await BusinessConversation.open(this.system, customer, this.id);
    const sent = await talk.say(customer, 'Do you have momos?');
    if (sent.status !== 201) throw new Error(`${sent.status} ${JSON.stringify(sent.body)}`);
    return { customer, talk };
  }

  /** Customers write to the business one after the other. */
  async visits(count: number): Promise<Visit[]> {
    const visits: Visit[] = [];
    while (visits.length < count) visits.push(await this.visit());
    return visits;
  }

  /** Resolves with the steps of the business, or of one of its conversations, in their order. */
  steps(talk?: BusinessConversation): Promise<LoggedStep[]> {
    return this.system.sql<LoggedStep>(
      `select business_id, version::int, conversation_id, at, step, reason, agent_id,
        from_agent_id, waiting_since, open, capacity
      from business_steps where business_id = $1
        and ($2::uuid is null or conversation_id = $2) order by business_steps.version`,
      [this.id, talk?.id ?? null],
    );
  }

  /** Resolves with the last step of a conversation once it is of this kind. */
  untilLast(talk: BusinessConversation, step: LoggedStep['step'], waitMs?: number) {
    const find = async () => {
      const last = (await this.steps(talk)).at(-1);
      return last?.step === step && last;
    };
    return until(`${step} is the last step`, find, waitMs);
  }

  /** Resolves once the agent has the conversation. */
  untilHeld({ talk }: Visit, { id }: Person): Promise<LoggedStep> {
    return until('the agent has it', async () => {
      const last = (await this.steps(talk)).at(-1);
      return last?.agent_id === id && last;
    });
  }

  /** Resolves with who has each conversation: the id of an agent, or null. */
  async holders(visits: readonly Visit[]): Promise<(string | null)[]> {
    const rows = await this.system.sql<{ conversation_id: string; assignee_id: string | null }>(
      'select conversation_id, assignee_id from conversations where conversation_id = any($1)',
      [visits.map(({ talk }) => talk.id)],
    );
    const byId = new Map(rows.map((row) => [row.conversation_id, row.assignee_id]));
    return visits.map(({ talk }) => byId.get(talk.id) ?? null);
  }

  /** Makes all that the database keeps of the business happen so much earlier. */
  letPass(seconds: number): Promise<void> {
    return letPass(this.system, this.id, seconds);
  }
}

/** Makes all that the database keeps of a business happen so much earlier. */
export async function letPass(system: System, id: string, seconds: number): Promise<void> {
  const client = await system.pool.connect();
  try {
    await client.query('begin');
    for (const statement of EARLIER) await client.query(statement, [id, `${seconds} s`]);
    await client.query('commit');
  } finally {
    // A connection with an open transaction is thrown away.
    client.release(true);
  }
}

/** Rows are locked in the order in which steps lock them. */
const EARLIER = [
  `update businesses set updated_at = updated_at - $2::interval where business_id = $1`,
  `update business_agents set offline_since = offline_since - $2::interval,
      status_at = status_at - $2::interval
    where business_id = $1`,
  `with locked as (select conversation_id from conversations where business_id = $1
      order by conversation_id for update)
    update conversations c set unanswered_since = unanswered_since - $2::interval,
        waiting_since = waiting_since - $2::interval
      from locked where c.conversation_id = locked.conversation_id`,
  `update participants set joined_at = joined_at - $2::interval
    where conversation_id in (select conversation_id from conversations where business_id = $1)`,
  'update business_inboxes set due_at = due_at - $2::interval where business_id = $1',
];
