import { makeDraw } from '../../shared/business/stage/random-hours.ts';
import { newId } from '../../shared/ids.ts';
import { BusinessConversation } from '../stage/business-conversation.ts';
import type { Desk } from '../stage/desk.ts';
import type { Person, RestAnswer, System } from '../stage/stack.ts';
import { Staff } from './staff.ts';

type Size = { businesses: number; agents: number; conversations: number };
type Act = () => Promise<RestAnswer | undefined>;
type Row = { conversation_id: string; agent_id: string };
type Found = { talk: BusinessConversation; agent: Person; desk: Desk };

/** Such refusals are the rule where several people do as they like. */
const REFUSALS = [400, 403, 404, 409, 429];

/**
 * A crowd of customers and agents does at random, over REST, what people do with businesses: they
 * write, answer, close, release, transfer, take and reopen, and their agents are a `Staff`.
 */
export class Crowd {
  readonly staff: Staff;
  /** The system has acknowledged the messages with these keys. */
  readonly sent: string[] = [];
  /** The list has each answer that no rule explains. */
  readonly faults: string[] = [];
  /** While this is true, a request may fail for other reasons than a rule. */
  mayFail = false;
  readonly #system: System;
  readonly #draw: (count: number) => number;
  readonly #customers = new Map<string, Person>();
  readonly #conversationsMax: number;
  readonly #acts: [number, string, Act][];

  private constructor(system: System, staff: Staff, { draw, max }: { draw: Draw; max: number }) {
    this.#system = system;
    this.staff = staff;
    this.#draw = draw;
    this.#conversationsMax = max;
    this.#acts = [
      [30, 'write', () => this.#write()],
      [16, 'answer', () => this.#on('assigned', ({ talk, agent }) => this.#send(talk, agent))],
      [22, 'close', () => this.#on('assigned', ({ talk, agent }) => talk.close(agent))],
      [4, 'release', () => this.#on('assigned', ({ talk, agent }) => talk.release(agent))],
      [6, 'transfer', () => this.#on('assigned', (found) => this.#transfer(found))],
      [4, 'take', () => this.#on('waiting', ({ talk, desk }) => talk.assign(staff.someOf(desk)))],
      [3, 'reopen', () => this.#on('closed', ({ talk, agent }) => talk.reopen(agent))],
      [6, 'status', () => staff.setStatus()],
      [3, 'connection', () => staff.reconnect()],
      [2, 'removal', () => staff.remove()],
      [4, 'limit', () => staff.setLimit()],
    ];
  }

  static async gather(system: System, size: Size): Promise<Crowd> {
    const draw = makeDraw(Date.now() % 2 ** 31);
    const staff = await Staff.hire(system, size, draw);
    return new Crowd(system, staff, { draw, max: size.conversations });
  }

  /** Does so many things, `atOnce` at a time. */
  async act(count: number, atOnce: number): Promise<void> {
    let left = count;
    const work = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await this.#actOnce();
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  }

  async #actOnce(): Promise<void> {
    const [, name, act] = this.#pickAct();
    try {
      const answer = await act();
      if (answer === undefined || answer.status < 300 || REFUSALS.includes(answer.status)) return;
      this.#fault(`${name}: ${answer.status} ${answer.body.error?.code}`);
    } catch (error) {
      this.#fault(`${name}: ${(error as Error).message}`);
    }
  }

  #fault(what: string): void {
    if (!this.mayFail) this.faults.push(what);
  }

  #pickAct(): [number, string, Act] {
    const all = this.#acts.reduce((sum, [weight]) => sum + weight, 0);
    let drawn = this.#draw(all);
    for (const act of this.#acts) {
      if (drawn < act[0]) return act;
      drawn -= act[0];
    }
    throw new Error('the weights do not add up');
  }

  /** A new customer writes, or one who has written before. Some customers are agents. */
  async #write(): Promise<RestAnswer> {
    const known = [...this.#customers];
    const isNew = known.length < this.#conversationsMax && this.#draw(3) > 0;
    if (!isNew && known.length > 0) {
      const [id, by] = this.#pick(known);
      return this.#send(new BusinessConversation(this.#system, id), by);
    }
    const desk = this.#pick(this.staff.desks);
    const by = this.#draw(20) === 0 ? this.staff.someOf(desk) : await this.#system.person();
    const talk = await BusinessConversation.open(this.#system, by, desk.id);
    this.#customers.set(talk.id, by);
    return this.#send(talk, by);
  }

  async #send(talk: BusinessConversation, by: Person): Promise<RestAnswer> {
    const key = newId<string>();
    const answer = await talk.say(by, 'Namaste', key);
    if (answer.status < 300) this.sent.push(key);
    return answer;
  }

  #transfer({ talk, agent, desk }: Found): Promise<RestAnswer> {
    const { id } = this.staff.someOf(desk);
    return talk.assign(agent, { agent_id: id, ...(this.#draw(4) === 0 && { force: true }) });
  }

  /** Does something with a conversation in this state, if there is one. */
  async #on(
    state: 'waiting' | 'assigned' | 'closed',
    act: (found: Found) => Promise<RestAnswer>,
  ): Promise<RestAnswer | undefined> {
    const desk = this.#pick(this.staff.desks);
    const [row] = await this.#system.sql<Row>(
      `select conversation_id, coalesce(last_agent_id, business_id) as agent_id from conversations
      where business_id = $1 and state = $2 order by random() limit 1`,
      [desk.id, state],
    );
    if (row === undefined) return undefined;
    const agent = this.staff.find(row.agent_id) ?? this.staff.someOf(desk);
    return act({ talk: new BusinessConversation(this.#system, row.conversation_id), agent, desk });
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#draw(items.length)] as Item;
  }
}

type Draw = (count: number) => number;
