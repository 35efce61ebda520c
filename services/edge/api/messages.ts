import type {
  HistoryMessage,
  HistoryPage,
  HistoryRequest,
  MessageInput,
  MessageSent,
  NamedMessage,
  Reaction,
} from '../../../shared/contracts/messages.ts';
import type { ReadInput } from '../../../shared/contracts/positions.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { canonicalEmoji, emojiProblem } from '../../../shared/protocol/emoji.ts';
import type { ReadShape } from '../../../shared/protocol/shapes.ts';
import type { StickyRoute } from '../routers/router-client.ts';
import { REQUEST_TIMEOUT_MS, type RouterClient } from '../routers/router-client.ts';
import type { NameSystem } from './system-naming.ts';

type Options = { sticky?: StickyRoute; trace?: string | undefined };
type Deps = { store: AskStore; routers: RouterClient; nameSystem: NameSystem };

/** What sockets and REST do with messages. */
export class Messages {
  readonly #store: AskStore;
  readonly #routers: RouterClient;
  readonly #nameSystem: NameSystem;

  constructor({ store, routers, nameSystem }: Deps) {
    this.#store = store;
    this.#routers = routers;
    this.#nameSystem = nameSystem;
  }

  send(input: MessageInput, options: Options): Promise<MessageSent> {
    const key = input.conversation_id;
    return this.#routers.ask('message', input, { key, ...options });
  }

  read(input: ReadInput, trace?: string): Promise<ReadShape> {
    return this.#routers.ask('read', input, { key: input.conversation_id, trace });
  }

  /** As `read`, of whatever conversation it is in; MESSAGE_NOT_FOUND where that is not theirs. */
  async readMessage(named: NamedMessage, trace?: string): Promise<ReadShape> {
    try {
      const { target, route } = await this.#locate(named, trace);
      const { conversation_id, seq } = target.place;
      const input = { user_id: named.user_id, conversation_id, seq };
      return await this.#routers.ask('read', input, route);
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
    const page = await this.#store('messages.history', body, { trace });
    const naming = this.#nameSystem(page.messages);
    if (naming !== undefined) await naming;
    return page;
  }

  async get(named: NamedMessage, trace?: string): Promise<HistoryMessage> {
    return await this.#named(await this.#store('messages.get', named, { trace }));
  }

  async edit(named: NamedMessage, content: string, trace?: string): Promise<HistoryMessage> {
    const { target, route } = await this.#locate(named, trace);
    const edit = { ...target, content };
    return await this.#named(await this.#routers.ask('messages.edit', edit, route));
  }

  async delete(named: NamedMessage, trace?: string): Promise<HistoryMessage> {
    const { target, route } = await this.#locate(named, trace);
    return await this.#named(await this.#routers.ask('messages.delete', target, route));
  }

  /** INVALID_REQUEST for what is not exactly one emoji. */
  async react(
    { emoji: text, remove = false, ...named }: NamedMessage & { emoji: string; remove?: boolean },
    trace?: string,
  ): Promise<{ reactions: Reaction[] }> {
    const emoji = canonicalEmoji(text);
    if (emoji === undefined) throw new KahaError('INVALID_REQUEST', emojiProblem(text) ?? '');
    const { target, route } = await this.#locate(named, trace);
    return await this.#routers.ask('messages.react', { ...target, emoji, remove }, route);
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
  async #locate(named: NamedMessage, trace: string | undefined) {
    const { user_id, message_id } = named;
    const deadlineAt = Date.now() + REQUEST_TIMEOUT_MS;
    const place = await this.#store('messages.locate', { user_id, message_id }, { trace });
    const route = { key: place.conversation_id, trace, deadlineAt };
    return { target: { user_id, message_id, place }, route };
  }
}
