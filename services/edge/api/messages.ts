import type {
  HistoryMessage,
  HistoryPage,
  HistoryRequest,
  MessageInput,
  MessagePlace,
  MessageSent,
  MessageTarget,
  Reaction,
  ReadAnswer,
  ReadInput,
  RouterRequest,
} from '../../../shared/contracts/rpc.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { MessageId, UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { canonicalEmoji, emojiProblem } from '../../../shared/protocol/emoji.ts';
import type { StickyRoute } from '../routers/router-client.ts';
import { REQUEST_TIMEOUT_MS, type RouterClient } from '../routers/router-client.ts';
import type { NameSystem } from './system-naming.ts';

type Options = { sticky?: StickyRoute; trace?: string | undefined };
type Named = { user_id: UserId; message_id: MessageId };
type Change = (target: MessageTarget) => RouterRequest;
type Deps = { bus: Bus; routers: RouterClient; nameSystem: NameSystem };

/** What sockets and REST do with messages. */
export class Messages {
  readonly #bus: Bus;
  readonly #routers: RouterClient;
  readonly #nameSystem: NameSystem;

  constructor({ bus, routers, nameSystem }: Deps) {
    this.#bus = bus;
    this.#routers = routers;
    this.#nameSystem = nameSystem;
  }

  send(input: MessageInput, options: Options): Promise<MessageSent> {
    const key = input.conversation_id;
    return this.#routers.ask<MessageSent>({
      key,
      request: { op: 'message', ...input },
      ...options,
    });
  }

  read(input: ReadInput, trace?: string): Promise<ReadAnswer> {
    const request = { op: 'read' as const, ...input };
    return this.#routers.ask<ReadAnswer>({ key: input.conversation_id, request, trace });
  }

  /** As `read`, of whatever conversation it is in; MESSAGE_NOT_FOUND where that is not theirs. */
  async readMessage(named: Named, trace?: string): Promise<ReadAnswer> {
    const toRequest: Change = ({ user_id, place: { conversation_id, seq } }) => {
      return { op: 'read', user_id, conversation_id, seq };
    };
    try {
      return await this.#change(named, toRequest, trace);
    } catch (error) {
      // Removed a moment ago: no more is said than to a stranger.
      const isRemoved = error instanceof KahaError && error.code === 'NOT_A_PARTICIPANT';
      throw isRemoved ? new KahaError('MESSAGE_NOT_FOUND', 'No such message') : error;
    }
  }

  /** `since` may come in any precision; the store gets milliseconds. */
  async history(request: HistoryRequest, trace?: string): Promise<HistoryPage> {
    const { since } = request;
    const body =
      since === undefined ? request : { ...request, since: new Date(since).toISOString() };
    const subject = subjects.store('messages.history');
    const options = { timeoutMs: REQUEST_TIMEOUT_MS, trace };
    const page = await this.#bus.request<HistoryPage>(subject, body, options);
    const naming = this.#nameSystem(page.messages);
    if (naming !== undefined) await naming;
    return page;
  }

  async get(named: Named, trace?: string): Promise<HistoryMessage> {
    const options = { timeoutMs: REQUEST_TIMEOUT_MS, trace };
    const subject = subjects.store('messages.get');
    return await this.#named(await this.#bus.request<HistoryMessage>(subject, named, options));
  }

  async edit(named: Named, content: string, trace?: string): Promise<HistoryMessage> {
    const toRequest: Change = (target) => ({ op: 'messages.edit', ...target, content });
    return await this.#named(await this.#change(named, toRequest, trace));
  }

  async delete(named: Named, trace?: string): Promise<HistoryMessage> {
    const toRequest: Change = (target) => ({ op: 'messages.delete', ...target });
    return await this.#named(await this.#change(named, toRequest, trace));
  }

  /** INVALID_REQUEST for what is not exactly one emoji. */
  async react(
    { emoji: text, remove = false, ...named }: Named & { emoji: string; remove?: boolean },
    trace?: string,
  ): Promise<{ reactions: Reaction[] }> {
    const emoji = canonicalEmoji(text);
    if (emoji === undefined) throw new KahaError('INVALID_REQUEST', emojiProblem(text) ?? '');
    const toRequest: Change = (target) => ({ op: 'messages.react', ...target, emoji, remove });
    return await this.#change(named, toRequest, trace);
  }

  /** A message, or what it replies to, may be the system's. */
  async #named(message: HistoryMessage): Promise<HistoryMessage> {
    const shown = [message];
    await this.#nameSystem(shown);
    return shown[0] as HistoryMessage;
  }

  /**
   * A message's id does not say whose conversation it is: store does, to who can see it, and the
   * change goes the way of that conversation's sends.
   */
  async #change<Reply>(named: Named, toRequest: Change, trace: string | undefined): Promise<Reply> {
    const { user_id, message_id } = named;
    const body = { user_id, message_id };
    const deadlineAt = Date.now() + REQUEST_TIMEOUT_MS;
    const place = await this.#bus.request<MessagePlace>(subjects.store('messages.locate'), body, {
      timeoutMs: REQUEST_TIMEOUT_MS,
      trace,
    });
    const request = toRequest({ ...body, place });
    return await this.#routers.ask<Reply>({
      key: place.conversation_id,
      request,
      trace,
      deadlineAt,
    });
  }
}
