import { type BusinessId, type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import type { setStage } from './store-stage.ts';

type Sql = Awaited<ReturnType<typeof setStage>>['sql'];
type Columns = Record<string, string | number | boolean | null>;
/** A time is an expression of SQL, such as `now()`. */
type Times = Record<string, string>;
type Placed = { conversation_id: ConversationId; customer_id: UserId };
/** The agent has the conversation since `assigned_at`. */
type Held = { agent: UserId; assigned_at?: string; unanswered_since?: string; columns?: Columns };

/** Writes rows of businesses as they stand after some steps. */
export class BusinessRows {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Makes a business that is due, and is always open unless `columns` say else. */
  async business(columns: Columns = {}): Promise<BusinessId> {
    const business_id = newId<BusinessId>();
    await this.#insert('businesses', { business_id, time_zone: 'Etc/UTC', ...columns });
    await this.#insert('business_inboxes', { business_id }, { due_at: 'now()' });
    return business_id;
  }

  /** Makes an agent who is available and online, unless `columns` and `times` say else. */
  async agent(id: BusinessId, columns: Columns = {}, times: Times = {}): Promise<UserId> {
    const user_id = newId<UserId>();
    const row = { business_id: id, user_id, status: 'available', ...columns };
    await this.#insert('business_agents', row, { offline_since: 'null', ...times });
    return user_id;
  }

  waiting(id: BusinessId, waiting_since = 'now()', columns: Columns = {}): Promise<Placed> {
    return this.#place({ business_id: id, state: 'waiting', ...columns }, { waiting_since });
  }

  async assigned(id: BusinessId, { agent, columns, ...held }: Held): Promise<Placed> {
    const { assigned_at = 'now()', unanswered_since = 'null' } = held;
    const row = { business_id: id, state: 'assigned', assignee_id: agent, last_agent_id: agent };
    const placed = await this.#place({ ...row, ...columns }, { unanswered_since });
    const { conversation_id } = placed;
    await this.#join({ conversation_id, user_id: agent, role: 'agent' }, assigned_at);
    return placed;
  }

  /** The agent had the conversation last. */
  closed(id: BusinessId, last_agent_id: UserId, closed_at = 'now()'): Promise<Placed> {
    return this.#place({ business_id: id, state: 'closed', last_agent_id }, { closed_at });
  }

  /** Makes so many more conversations like one that is there, with the same participants. */
  async copy({ conversation_id: id }: Placed, count: number): Promise<void> {
    await this.#sql(
      `with made as (
        insert into conversations select r.* from conversations c, generate_series(1, $2) n,
          jsonb_populate_record(c,
            jsonb_build_object('conversation_id', gen_random_uuid(), 'n', n)) r
          where c.conversation_id = $1
        returning conversation_id)
      insert into participants select r.* from participants p, made,
        jsonb_populate_record(p, jsonb_build_object('conversation_id', made.conversation_id)) r
        where p.conversation_id = $1`,
      [id, count],
    );
  }

  async #place(columns: Columns, times: Times): Promise<Placed> {
    const conversation_id = newId<ConversationId>();
    const customer_id = newId<UserId>();
    const row = { conversation_id, type: 'business', customer_id, created_by: customer_id };
    const made = { created_at: 'now()', last_activity: 'now()', opened_at: 'now()' };
    await this.#insert('conversations', { ...row, ...columns }, { ...made, ...times });
    await this.#join({ conversation_id, user_id: customer_id, role: 'customer' }, 'now()');
    return { conversation_id, customer_id };
  }

  async #join(columns: Columns & { user_id: UserId }, joined_at: string): Promise<void> {
    const { user_id } = columns;
    await this.#sql('insert into users (user_id) values ($1) on conflict do nothing', [user_id]);
    await this.#insert('participants', columns, { joined_at });
  }

  async #insert(table: string, columns: Columns, times: Times = {}): Promise<void> {
    const names = [...Object.keys(columns), ...Object.keys(times)].join(', ');
    const places = Object.keys(columns).map((_, index) => `$${index + 1}`);
    const values = [...places, ...Object.values(times)].join(', ');
    await this.#sql(`insert into ${table} (${names}) values (${values})`, Object.values(columns));
  }
}
