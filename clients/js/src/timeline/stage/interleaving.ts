import type { Message } from '../../protocol/shapes.ts';
import type { Gap } from '../order.ts';
import { ClientModel } from './client-model.ts';
import { type Random, seededRandom } from './random.ts';
import { CONVERSATIONS, type Name, OWN, type QueueEvent, ServerModel } from './server-model.ts';

type Filling = {
  name: Name;
  gap: Gap;
  answer: { messages: Message[]; hasMore: boolean };
};
type Send = { name: Name; clientMsgId: string };

const STEPS = 60;
const ROUNDS_MAX = 500;

/**
 * One run plays a server and a client against each other in an order that the seed decides:
 * messages and changes, repeats, reorderings, reconnects, lost queues, answers of history that come
 * late, lost answers to sends, and handlers of the application that take their time. In the end
 * everything that is under way arrives.
 */
export class Interleaving {
  readonly server: ServerModel;
  readonly client = new ClientModel();
  /** These promises of the client were broken on the way. */
  readonly broken: string[] = [];
  readonly #random: Random;
  #fillings: Filling[] = [];
  #unanswered: Send[] = [];
  #sends = 0;

  constructor(seed: number, isKnown: boolean) {
    this.#random = seededRandom(seed);
    this.server = new ServerModel(this.#random);
    if (isKnown) for (const name of CONVERSATIONS) this.client.know(name, 0);
    for (let step = 0; step < STEPS; step += 1) this.#step();
    this.#settle();
  }

  #step(): void {
    const { server } = this;
    const name = this.#name();
    const die = this.#random.below(100);
    if (die < 18) server.commit(name, 'other user', `other ${this.#number()}`);
    else if (die < 26) this.#write(name);
    else if (die < 32) this.#retry();
    else if (die < 38) server.change(name);
    else if (die < 64) this.#receive(server.send());
    else if (die < 78) this.#finish();
    else if (die < 86) this.#ask(name);
    else if (die < 94) this.#answer();
    else if (die < 97) this.#reconnect();
    else if (die < 98) server.erase(name);
    else this.#loseQueue();
  }

  /** From here on nothing is lost, so all must arrive. */
  #settle(): void {
    this.#reconnect();
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      while (this.#unanswered.length > 0) this.#retry(false);
      this.#receive(this.server.send());
      for (const name of CONVERSATIONS) this.#ask(name);
      while (this.#fillings.length > 0) this.#answer();
      while (this.#finish());
      const hasGap = CONVERSATIONS.some((name) => this.client.gap(name) !== undefined);
      if (this.server.isDrained && !hasGap) return;
    }
    this.broken.push('it never came to rest');
  }

  #name(): Name {
    return CONVERSATIONS[this.#random.below(CONVERSATIONS.length)] as Name;
  }

  #number(): number {
    this.#sends += 1;
    return this.#sends;
  }

  #receive(event: QueueEvent | undefined): void {
    if (event !== undefined) this.client.receive(event);
  }

  /** The server may get the message, and the client may get its answer. */
  #write(name: Name): void {
    const send = { name, clientMsgId: `own ${this.#number()}` };
    this.client.write(name, send.clientMsgId);
    this.#unanswered.push(send);
    this.#retry();
  }

  #retry(mayFail = true): void {
    const [send] = this.#unanswered;
    if (send === undefined || (mayFail && this.#random.chance(0.3))) return;
    const message = this.server.commit(send.name, OWN, send.clientMsgId);
    if (mayFail && this.#random.chance(0.3)) return;
    this.#unanswered.shift();
    this.client.sent(send.name, message);
  }

  #ask(name: Name): void {
    const gap = this.client.gap(name);
    if (gap === undefined) return;
    const answer = this.server.history(name, gap, 1 + this.#random.below(3));
    this.#fillings.push({ name, gap, answer });
  }

  #answer(): void {
    const [filling] = this.#fillings.splice(this.#random.below(this.#fillings.length), 1);
    if (filling !== undefined) this.client.fill(filling.name, filling.gap, filling.answer);
  }

  #finish(): boolean {
    const hadAny = this.client.finish(this.#random.below(8));
    for (const event of this.server.acknowledge(this.client.acks.upToQ)) this.#checkTold(event);
    return hadAny;
  }

  /** An acknowledged event never comes again, so the application must have been told of it. */
  #checkTold(event: QueueEvent): void {
    const { name } = event;
    const seq = event.is === 'message' ? event.message.seq : event.update.seq;
    const wasTold = this.client.told[name].some((told) => told.seq === seq);
    if (event.is === 'message' && !wasTold) this.broken.push(`${name} ${seq} was never told`);
  }

  #reconnect(): void {
    this.server.reconnect();
    this.client.reconnect();
  }

  /** The client reads where each conversation stands, and reloads what it shows. */
  #loseQueue(): void {
    const replayed = this.server.loseQueue();
    this.client.reconnect();
    this.client.replay(replayed);
    for (const name of CONVERSATIONS) {
      this.client.know(name, this.server.logs[name].length);
      const { messages } = this.server.history(name, { afterSeq: 0, upToSeq: 0 }, 1_000);
      this.client.reload(name, messages);
    }
  }
}
