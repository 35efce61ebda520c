import type { Bus } from '../../shared/bus.ts';
import type { HistoryPage, HistoryRequest, MessageInput, MessageSent } from '../../shared/rpc.ts';
import { subjects } from '../../shared/subjects.ts';
import { REQUEST_TIMEOUT_MS, type RouterClient } from './router-client.ts';
import type { StickyRoute } from './session.ts';

type Options = { sticky?: StickyRoute; trace?: string | undefined };

/** What sockets and REST do with messages. */
export class Messages {
  readonly #bus: Bus;
  readonly #routers: RouterClient;

  constructor(bus: Bus, routers: RouterClient) {
    this.#bus = bus;
    this.#routers = routers;
  }

  send(input: MessageInput, options: Options): Promise<MessageSent> {
    const key = input.conversation_id;
    return this.#routers.ask<MessageSent>({
      key,
      request: { op: 'message', ...input },
      ...options,
    });
  }

  /** `since` may come in any precision; the store gets milliseconds. */
  history(request: HistoryRequest, trace?: string): Promise<HistoryPage> {
    const { since } = request;
    const body =
      since === undefined ? request : { ...request, since: new Date(since).toISOString() };
    const subject = subjects.store('messages.history');
    return this.#bus.request<HistoryPage>(subject, body, { timeoutMs: REQUEST_TIMEOUT_MS, trace });
  }
}
