import { setTimeout as delay } from 'node:timers/promises';
import type { Client, Frame } from '../stage/client.ts';
import type { Person, System } from '../stage/stack.ts';

type Counts = { waiting: number; assigned: number; mine: number };
type Conversation = { conversation_id: string; state: string; assignee_id?: string };
type InboxEvent = Frame & {
  version: number;
  conversation_id?: string;
  conversation?: Conversation;
  counts?: Counts;
};
type Who = { person: Person; business: string; edge?: number; isManager?: boolean };
type View = 'waiting' | 'mine' | 'assigned' | 'closed';
type Listed = { version: number; counts: Counts; conversations: unknown[] };

const COUNTS_GAP_MS = 250;
/** An event may be on its way for this much longer than the one before. */
const JITTER_MS = 500;

/**
 * Somebody watches an inbox from its beginning, and keeps what the events tell. `odd` lists what
 * must not come: a gap, counts of another version, and conversations that they may not see.
 */
export class InboxWatch {
  readonly client: Client;
  readonly odd: string[] = [];
  version = 0;
  counts: Counts | undefined;
  readonly #who: Who;
  readonly #known = new Map<string, Conversation>();
  /** The person had these conversations last. */
  readonly #had = new Set<string>();
  readonly #countsAt: number[] = [];

  static async begin(system: System, who: Who): Promise<InboxWatch> {
    const { person, business: business_id, edge = 1 } = who;
    let watch: InboxWatch | undefined;
    const onFrame = (frame: Frame): void => {
      if (frame.type === 'inbox') watch?.take(frame as InboxEvent);
    };
    const client = await system.connectNew(person, { edge, onFrame });
    watch = new InboxWatch(client, who);
    const { data } = await client.ask({ type: 'inbox_watch', business_id });
    watch.version = Number(data?.version);
    return watch;
  }

  constructor(client: Client, who: Who) {
    this.client = client;
    this.#who = who;
  }

  take({ version, counts, conversation, conversation_id: id }: InboxEvent): void {
    if (counts !== undefined) {
      if (version !== this.version) this.odd.push(`counts of ${version} at ${this.version}`);
      this.counts = counts;
      this.#countsAt.push(Date.now());
      return;
    }
    if (version !== this.version + 1) this.odd.push(`${version} after ${this.version}`);
    this.version = version;
    if (id === undefined) return;
    if (conversation !== undefined) this.#see(conversation, version);
    else if (!this.#known.delete(id)) this.odd.push(`${version} names what was not seen`);
    else this.#had.delete(id);
  }

  /** Returns the conversations that the person knows to be in the state. */
  inState(state: string): unknown[] {
    return factsOf([...this.#known.values()].filter((one) => one.state === state));
  }

  /** Counts come at most each 250 ms. */
  get areCountsRare(): boolean {
    const lasted = (this.#countsAt.at(-1) ?? 0) - (this.#countsAt[0] ?? 0);
    return (this.#countsAt.length - 1) * COUNTS_GAP_MS <= lasted + JITTER_MS;
  }

  /** Reads all pages of a view. */
  async list(view: View): Promise<Listed> {
    const listed: Conversation[] = [];
    for (let cursor: unknown; ; ) {
      const { data, error } = await this.client.ask({
        ...{ type: 'inbox', business_id: this.#who.business, view, limit: 7 },
        ...(cursor !== undefined && { cursor }),
      });
      // The steps before may have used up what the person may ask for.
      if (error?.code === 'RATE_LIMITED') {
        await delay(1_000 * (error.retry_after ?? 1));
        continue;
      }
      if (data === undefined) throw new Error(JSON.stringify(error));
      listed.push(...(data.conversations as Conversation[]));
      const { version, counts } = data as Listed;
      if (data.next_cursor === null) return { version, counts, conversations: factsOf(listed) };
      cursor = data.next_cursor;
    }
  }

  #see(conversation: Conversation, version: number): void {
    const { conversation_id: id, state, assignee_id: agent } = conversation;
    const { person, isManager = false } = this.#who;
    this.#known.set(id, conversation);
    if (agent === person.id) this.#had.add(id);
    const isOwn = state === 'closed' ? this.#had.has(id) : agent === person.id;
    if (!isManager && state !== 'waiting' && !isOwn) this.odd.push(`${version} is not theirs`);
  }
}

/** Events of an inbox tell all of these facts when they change. */
function factsOf(conversations: readonly Conversation[]): unknown[] {
  const facts = conversations.map((one) => {
    const {
      conversation_id: id,
      state,
      assignee_id,
      waiting_since,
      closed_at,
    } = one as Frame & Conversation;
    return { id, state, assignee_id, waiting_since, closed_at };
  });
  return facts.sort((one, other) => (one.id < other.id ? -1 : 1));
}
