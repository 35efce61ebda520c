import { askAsService } from '../stage/business.ts';
import type { Client } from '../stage/client.ts';
import { Desk } from '../stage/desk.ts';
import type { Person, RestAnswer, System } from '../stage/stack.ts';
import { Absences } from './absences.ts';

type Draw = (count: number) => number;
type Post = { desk: Desk; agent: Person };

const STATUSES = ['available', 'available', 'away', 'offline'] as const;
const CAPACITY_MAX = 6;

/**
 * The agents of some businesses. At random they come and go, say how they are, are removed and come
 * back, and get other limits.
 */
export class Staff {
  readonly desks: readonly Desk[];
  readonly absences = new Absences();
  readonly #posts: readonly Post[];
  readonly #sockets: Map<Person, Client>;
  readonly #draw: Draw;
  /** An agent does one thing at a time, so that the answers come in the order of the changes. */
  readonly #busy = new Set<unknown>();

  private constructor(posts: readonly Post[], sockets: Map<Person, Client>, draw: Draw) {
    this.#posts = posts;
    this.#sockets = sockets;
    this.#draw = draw;
    this.desks = [...new Set(posts.map(({ desk }) => desk))];
  }

  /** Resolves with agents who are there. Each is one of two businesses, if there are two. */
  static async hire(
    system: System,
    { agents: count, businesses }: { agents: number; businesses: number },
    draw: Draw,
  ): Promise<Staff> {
    const people: Person[] = await system.people(count);
    const sockets = new Map<Person, Client>();
    for (const person of people) sockets.set(person, await system.connectNew(person));
    const posts: Post[] = [];
    for (let nth = 0; nth < businesses; nth += 1) {
      const isOf = (index: number): boolean => {
        return index % businesses === nth || (index + 1) % businesses === nth;
      };
      const agents = people.filter((_, index) => isOf(index));
      const settings = settingsOf(nth, CAPACITY_MAX / 2);
      const desk = await Desk.open(system, { agents, settings, areThere: true });
      posts.push(...agents.map((agent) => ({ desk, agent })));
    }
    return new Staff(posts, sockets, draw);
  }

  /** Returns some agent of a business. */
  someOf(desk: Desk): Person {
    return this.#pick(this.#posts.filter((post) => post.desk === desk)).agent;
  }

  find(agentId: string): Person | undefined {
    return this.#posts.find(({ agent }) => agent.id === agentId)?.agent;
  }

  setStatus(): Promise<RestAnswer | undefined> {
    const post = this.#pick(this.#posts);
    return this.#alone(post, async () => {
      const status = this.#pick(STATUSES);
      const { desk, agent } = post;
      this.absences.end(desk.id, agent.id);
      const answer = await desk.system.rest('PUT', `/api/v1/businesses/${desk.id}/availability`, {
        ...{ token: agent.token, body: { status } },
      });
      const isGone = answer.status < 300 && status !== 'available';
      if (isGone) this.absences.begin(desk.id, agent.id);
      return answer;
    });
  }

  /** Closes the socket of an agent, or opens it again. */
  reconnect(): Promise<undefined> {
    const { agent, desk } = this.#pick(this.#posts);
    return this.#alone(agent, async () => {
      const socket = this.#sockets.get(agent);
      if (socket?.isOpen) await socket.close();
      else this.#sockets.set(agent, await desk.system.connect(agent));
      return undefined;
    });
  }

  /** Removes an agent, or makes them one again if the answer says that they are none. */
  remove(): Promise<RestAnswer | undefined> {
    const post = this.#pick(this.#posts);
    return this.#alone(post, async () => {
      const { desk, agent } = post;
      const path = `/businesses/${desk.id}/agents/${agent.id}`;
      this.absences.end(desk.id, agent.id);
      const removed = await askAsService(desk.system, `DELETE ${path}`);
      if (removed.status < 300) this.absences.begin(desk.id, agent.id);
      return removed.status === 404 ? askAsService(desk.system, `PUT ${path}`, {}) : removed;
    });
  }

  /** Sets the limit of a business, or of an agent who is one. */
  setLimit(): Promise<RestAnswer | undefined> {
    const post = this.#pick(this.#posts);
    const { desk, agent } = post;
    const capacity = 1 + this.#draw(CAPACITY_MAX);
    if (this.#draw(2) === 0) {
      const nth = this.desks.indexOf(desk) + this.#draw(2);
      return askAsService(desk.system, `PUT /businesses/${desk.id}`, settingsOf(nth, capacity));
    }
    return this.#alone(post, async () => {
      if (this.absences.has(desk.id, agent.id, Date.now())) return undefined;
      const path = `PUT /businesses/${desk.id}/agents/${agent.id}`;
      return askAsService(desk.system, path, { capacity });
    });
  }

  async #alone<Result>(
    one: unknown,
    act: () => Promise<Result | undefined>,
  ): Promise<Result | undefined> {
    if (this.#busy.has(one)) return undefined;
    this.#busy.add(one);
    try {
      return await act();
    } finally {
      this.#busy.delete(one);
    }
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#draw(items.length)] as Item;
  }
}

function settingsOf(nth: number, capacity: number) {
  const assignment = nth % 2 === 0 ? 'least_busy' : 'round_robin';
  const graces = { offline_grace_s: 30, reassign_after_s: 30 };
  return { time_zone: 'Etc/UTC', assignment, capacity, ...graces };
}
