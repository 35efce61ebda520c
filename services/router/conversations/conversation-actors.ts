import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import type { MessageInput, MessageSent } from '../../../shared/contracts/messages.ts';
import type { ConversationChanged } from '../../../shared/contracts/outbox.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { ConversationId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { type ActorDeps, ConversationActor } from './conversation-actor.ts';

/** A router holds at most this many actors. Each takes ~1 KB. */
const ACTORS_MAX = 50_000;
const IDLE_MS = 10 * 60_000;
const SWEEP_MS = 60_000;
/** When all places are taken, the router looks at this many actors to find an idle one. */
const SCAN_MAX = 64;
/** A command counts as this many bytes in a mailbox. No command for a group takes more. */
const COMMAND_BYTES = 16 * 1024;
/** Ids and field names take at most this much of a send, besides its content and metadata. */
const FRAME_BYTES = 400;
const METADATA_BYTES_MAX = 4 * 1024;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON has to escape these characters
const ESCAPED = /["\\\u0000-\u001f]/;

type Context = { deadlineAt: number; trace: string | undefined };

/**
 * Holds the actors of the conversations that this router serves, at most 50 000. Idle actors leave
 * after 10 minutes.
 */
export class ConversationActors {
  readonly #deps: ActorDeps;
  readonly #actors = new Map<ConversationId, ConversationActor>();
  readonly #sweep: NodeJS.Timeout;

  constructor(deps: ActorDeps) {
    this.#deps = deps;
    this.#sweep = setInterval(() => this.#evictIdle(steadyMs() - IDLE_MS), SWEEP_MS);
  }

  get size(): number {
    return this.#actors.size;
  }

  /** Counts the sends and changes that wait, over all conversations. */
  get depth(): number {
    let depth = 0;
    for (const actor of this.#actors.values()) depth += actor.depth;
    return depth;
  }

  /** Sends a message. Resolves once it is committed. */
  send(input: MessageInput, { deadlineAt, trace }: Context): Promise<MessageSent> {
    const actor = this.#actorOf(input.conversation_id);
    actor.lastUsedAt = steadyMs();
    return new Promise((resolve, reject) => {
      actor.put({ input, deadlineAt, trace, bytes: sizeOf(input), resolve, reject });
    });
  }

  /** Carries out a command in its place among the sends. Resolves once it is committed. */
  change(command: ConversationCommand, context: Context): Promise<ConversationChanged> {
    const actor = this.#actorOf(command.conversation_id);
    actor.lastUsedAt = steadyMs();
    return new Promise((resolve, reject) => {
      const letter = { bytes: COMMAND_BYTES, isAlone: true as const };
      actor.put({ command, ...context, ...letter, resolve, reject });
    });
  }

  /**
   * Resolves when the conversation's step in flight has begun its fan-out. The result is undefined
   * if no step is in flight.
   */
  settled(id: ConversationId): Promise<void> | undefined {
    return this.#actors.get(id)?.settled;
  }

  /** Resolves when every conversation has settled the requests that it had taken. */
  async close(): Promise<void> {
    clearInterval(this.#sweep);
    await Promise.all(Array.from(this.#actors.values(), (actor) => actor.drained()));
  }

  #actorOf(id: ConversationId): ConversationActor {
    const known = this.#actors.get(id);
    if (known !== undefined) return known;
    if (this.#actors.size >= ACTORS_MAX) this.#makeRoom();
    const actor = new ConversationActor(id, this.#deps);
    this.#actors.set(id, actor);
    return actor;
  }

  #makeRoom(): void {
    let scanned = 0;
    for (const [id, actor] of this.#actors) {
      if (actor.idle) {
        this.#actors.delete(id);
        return;
      }
      scanned += 1;
      if (scanned >= SCAN_MAX) break;
    }
    throw new KahaError('MESSAGING_UNAVAILABLE', 'Too many conversations at once');
  }

  #evictIdle(before: number): void {
    for (const [id, actor] of this.#actors) {
      if (actor.idle && actor.lastUsedAt < before) this.#actors.delete(id);
    }
  }
}

/** Returns an upper bound, in bytes, of a send's size in an append, without making its JSON. */
function sizeOf(input: MessageInput): number {
  const { content, metadata } = input;
  const text = ESCAPED.test(content) ? JSON.stringify(content) : content;
  return Buffer.byteLength(text) + FRAME_BYTES + (metadata === undefined ? 0 : METADATA_BYTES_MAX);
}
