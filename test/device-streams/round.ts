import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../dev/testing/until.ts';
import type { Chance } from '../harm/chance.ts';
import type { Person, System } from '../stage/stack.ts';
import type { DeviceQueues } from './device-queues.ts';
import type { Faults } from './faults.ts';
import type { Act, Plan } from './plan.ts';
import type { ConversationRecord, MessageRecord, RoundRecord } from './record.ts';
import { RecordedDevice } from './recorded-device.ts';
import { lacksOf } from './verdict.ts';

type Deps = { system: System; faults: Faults; queues: DeviceQueues; chance: Chance };
type Conversation = { id: string; people: readonly Person[]; devices: readonly RecordedDevice[] };
type Sent = { conversation: Conversation; seq: number };

const EDGE_NUMBERS = [1, 2];
const START_MS = 15_000;
/**
 * The unacknowledged events of a crashed edge come after 10 s, and leases of a dead router end
 * after 30 s.
 */
const REST_MS = 60_000;
const LOOK_MS = 250;
const LAST_TRIES = 10;
const LAST_MS = 10_000;
/** A session is live once its queue is empty and nothing can come again, after 12 s. */
const LIVE_MS = 30_000;

/** People with devices and conversations, to whom one plan happens. */
export class Round {
  readonly #deps: Deps;
  readonly #plan: Plan;
  readonly #startedAtMs = Date.now();
  readonly #people: readonly Person[];
  readonly #devices: readonly RecordedDevice[];
  readonly #conversations: readonly Conversation[];
  readonly #open = new Set<Promise<unknown>>();
  readonly #acknowledged: Sent[] = [];

  private constructor(
    deps: Deps,
    plan: Plan,
    cast: { people: readonly Person[]; devices: RecordedDevice[]; conversations: Conversation[] },
  ) {
    this.#deps = deps;
    this.#plan = plan;
    this.#people = cast.people;
    this.#devices = cast.devices;
    this.#conversations = cast.conversations;
  }

  /** Resolves once all devices are connected for the first time, and have their queues. */
  static async begin(deps: Deps, plan: Plan): Promise<Round> {
    const { system, chance } = deps;
    const { cast } = plan;
    const people: Person[] = await system.people(cast.people);
    const random = (): number => chance.next();
    const devices = cast.devices.map((person, index) => {
      const deviceId = index < cast.people ? 'phone' : 'tablet';
      return new RecordedDevice(system, people[person] as Person, {
        ...{ deviceId, edges: EDGE_NUMBERS, random },
      });
    });
    const early = devices.filter((_, index) => !cast.late.has(index));
    for (const device of early) device.come();
    await until('devices', () => early.every(({ isConnected }) => isConnected), START_MS);
    const conversations: Conversation[] = [];
    for (const indexes of cast.conversations) {
      const own = indexes.map((index) => people[index] as Person);
      const id = await system.conversation(own);
      conversations.push({
        id,
        people: own,
        devices: devices.filter((one) => own.includes(one.person)),
      });
    }
    return new Round(deps, plan, { people, devices, conversations });
  }

  /** Does all that is planned, and ends all harm. */
  async act(): Promise<void> {
    const startedAt = this.#startedAtMs;
    for (const step of this.#plan.steps) {
      await delay(Math.max(0, startedAt + step.atMs - Date.now()));
      this.#begin(step);
    }
    while (this.#open.size > 0) await Promise.all(this.#open);
    for (const device of this.#devices) {
      device.become('quick');
      device.come();
    }
  }

  /** Resolves with all that is still open when nothing more happens, which should be nothing. */
  async rest(): Promise<string[]> {
    let open: string[] = [];
    const isAtRest = async (): Promise<boolean> => {
      open = await this.#whatIsOpen();
      if (open.length > 0) await delay(LOOK_MS);
      return open.length === 0;
    };
    await until('rest', isAtRest, REST_MS).catch((late: unknown) => late);
    return open;
  }

  /**
   * Resolves with how long the last message of each conversation took to reach the last device, in
   * ms. Of some tries the best one counts, because the machine may be busy.
   */
  async last(): Promise<number[]> {
    const tookMs: number[] = [];
    for (const conversation of this.#conversations) {
      let best = Number.POSITIVE_INFINITY;
      for (let tries = 0; tries < LAST_TRIES && best > LAST_MS_MAX; tries += 1) {
        best = Math.min(best, await this.#sendLast(conversation));
      }
      tookMs.push(best);
    }
    return tookMs;
  }

  /**
   * Resolves once messages reach all devices without their queues, because all sessions are live.
   */
  async live(): Promise<void> {
    const isLive = async (): Promise<boolean> => {
      const before = await this.#brought();
      await this.last();
      return before === (await this.#brought());
    };
    await until('all sessions are live', isLive, LIVE_MS);
  }

  async record(): Promise<RoundRecord> {
    return {
      startedAtMs: this.#startedAtMs,
      conversations: await this.#read(),
      devices: this.#devices.map(({ record }) => record),
      disturbances: this.#deps.faults.done,
    };
  }

  /** Returns the sends that were acknowledged and are not in the history. */
  async lost(): Promise<string[]> {
    const read = new Map((await this.#read()).map(({ id, messages }) => [id, messages.length]));
    return this.#acknowledged
      .filter(({ conversation, seq }) => seq > (read.get(conversation.id) ?? 0))
      .map(({ conversation, seq }) => `${conversation.id.slice(0, 4)}/${seq} was acknowledged`);
  }

  async end(): Promise<void> {
    await Promise.all(this.#devices.map((device) => device.stop()));
  }

  #begin(act: Act): void {
    const doing = this.#do(act);
    this.#open.add(doing);
    void doing.finally(() => this.#open.delete(doing)).catch((error: unknown) => error);
  }

  async #do(act: Act): Promise<void> {
    switch (act.act) {
      case 'send':
        return this.#send(this.#people[act.person] as Person, this.#at(act.conversation));
      case 'become':
        return this.#device(act.device).become(act.patience);
      case 'replace':
        return this.#device(act.device).replace();
      case 'come':
        return this.#device(act.device).come();
      case 'leave': {
        const device = this.#device(act.device);
        device.leave(act.how);
        await delay(act.forMs);
        return device.come();
      }
      case 'fault':
        return this.#deps.faults.do(act.fault, {
          conversation: (index) => this.#at(index),
          device: (index) => this.#device(index),
        });
    }
  }

  async #send(person: Person, conversation: Conversation): Promise<void> {
    const own = this.#devices.filter((one) => one.person === person);
    const device = own.find(({ isConnected }) => isConnected);
    const seq = await device?.send(conversation.id, 'a message');
    if (seq !== undefined) this.#acknowledged.push({ conversation, seq });
  }

  async #sendLast({ id, devices }: Conversation): Promise<number> {
    const startedAt = Date.now();
    const seq = await (devices[0] as RecordedDevice).send(id, 'the last');
    const seenAt = (device: RecordedDevice): number | undefined =>
      device.record.sessions
        .flatMap(({ sights }) => sights)
        .find((one) => one.conversation === id && one.seq === seq)?.atMs;
    const isThere = (): boolean => devices.every((one) => seenAt(one) !== undefined);
    if (seq === undefined) return Number.POSITIVE_INFINITY;
    await until('the last message', isThere, LAST_MS).catch((late: unknown) => late);
    return Math.max(...devices.map((one) => (seenAt(one) ?? Number.POSITIVE_INFINITY) - startedAt));
  }

  async #whatIsOpen(): Promise<string[]> {
    const away = this.#devices.filter(({ isConnected }) => !isConnected);
    const waiting = await Promise.all(
      this.#devices.map(async (device) => {
        const state = await this.#deps.queues.state(device);
        const { name } = device.record;
        if (state === undefined) return [`${name} has no queue`];
        const { num_pending: pending, num_ack_pending: unacknowledged } = state;
        return pending + unacknowledged === 0
          ? []
          : [`the queue of ${name} holds ${pending} and ${unacknowledged}`];
      }),
    );
    const [outbox] = await this.#deps.system.sql<{ owed: number }>(
      'select count(*)::int as owed from outbox',
    );
    const owed = outbox?.owed ?? 0;
    return [
      ...away.map(({ record }) => `${record.name} is not connected`),
      ...waiting.flat(),
      ...(owed === 0 ? [] : [`the outbox owes ${owed}`]),
      ...(await this.#read()).flatMap(lacksOf),
    ];
  }

  /** Counts what all queues have brought, repeats too. */
  async #brought(): Promise<number> {
    const states = await Promise.all(this.#devices.map((one) => this.#deps.queues.state(one)));
    return states.reduce((sum, state) => sum + (state?.delivered.consumer_seq ?? 0), 0);
  }

  async #read(): Promise<ConversationRecord[]> {
    type Row = { conversation_id: string; message_id: string; seq: string; sent_at: Date };
    const rows = await this.#deps.system.sql<Row>(
      `select conversation_id, message_id, seq, sent_at from messages
        where conversation_id = any($1) order by seq`,
      [this.#conversations.map(({ id }) => id)],
    );
    return this.#conversations.map(({ id, devices }) => {
      const own = rows.filter(({ conversation_id }) => conversation_id === id);
      const messages = own.map(
        ({ message_id, seq, sent_at }): MessageRecord => ({
          ...{ seq: Number(seq), messageId: message_id, sentAtMs: sent_at.getTime() },
        }),
      );
      return { id, messages, devices: devices.map(({ record }) => record) };
    });
  }

  #device(index: number): RecordedDevice {
    return this.#devices[index] as RecordedDevice;
  }

  #at(conversation: number): Conversation {
    return this.#conversations[conversation] as Conversation;
  }
}

/** A message takes longer only where its device was offered nothing, or did not take the offer. */
export const LAST_MS_MAX = 100;
