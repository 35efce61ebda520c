import { newId } from '../../shared/ids.ts';
import type { MessageEvent } from './client.ts';
import type { Person, RestAnswer, System } from './stack.ts';

/** The conversation of a customer with a business, and what people do with it over REST. */
export class BusinessConversation {
  readonly id: string;
  readonly #system: System;

  /** Resolves with the conversation, which waits for an agent once somebody has written. */
  static async open(
    system: System,
    customer: Person,
    business: string,
  ): Promise<BusinessConversation> {
    const body = { type: 'business', business_id: business };
    const path = '/api/v1/conversations';
    const answer = await system.rest('POST', path, { token: customer.token, body });
    if (answer.status >= 300) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
    return new BusinessConversation(system, String(answer.body.conversation_id));
  }

  constructor(system: System, id: string) {
    this.id = id;
    this.#system = system;
    system.canaries.add(id);
  }

  /** An agent takes the conversation, or `of` names who gets it. */
  assign(by: Person, of?: { agent_id?: string; force?: boolean }): Promise<RestAnswer> {
    return this.ask(by, 'PUT /assignee', of);
  }

  release(by: Person): Promise<RestAnswer> {
    return this.ask(by, 'DELETE /assignee');
  }

  close(by: Person): Promise<RestAnswer> {
    return this.ask(by, 'PUT /state', { state: 'closed' });
  }

  reopen(by: Person): Promise<RestAnswer> {
    return this.ask(by, 'PUT /state', { state: 'waiting' });
  }

  get(by: Person): Promise<RestAnswer> {
    return this.ask(by, 'GET ');
  }

  say(by: Person, content: string, client_msg_id = newId<string>()): Promise<RestAnswer> {
    return this.ask(by, 'POST /messages', { client_msg_id, content });
  }

  history(by: Person): Promise<MessageEvent[]> {
    return this.#system.history(by, this.id);
  }

  /** `what` is the method and the path below the conversation, as `PUT /mute`. */
  ask({ token }: Person, what: string, body?: unknown): Promise<RestAnswer> {
    const [method, path] = what.split(' ') as [string, string];
    const edge = 1 + ((token.length + path.length) % 2);
    return this.#system.rest(method, `/api/v1/conversations/${this.id}${path}`, {
      ...{ token, body, edge },
    });
  }
}
