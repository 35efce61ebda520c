import type { ConversationCommand } from '../../../shared/contracts/conversations.ts';
import type { MessageInput, MessageSent } from '../../../shared/contracts/messages.ts';
import type { ConversationChanged } from '../../../shared/contracts/outbox.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { ConversationId } from '../../../shared/ids.ts';
import { sizeOf } from '../fan-out/message-event.ts';
import { type ActorDeps, ConversationActor } from './conversation-actor.ts';

/** ~1 KB each. */
const ACTORS_MAX = 50_000;
const IDLE_MS = 10 * 60_000;
const SWEEP_MS = 60_000;
/** How many may be looked at to find an idle one when all places are taken. */
const SCAN_MAX = 64;
/** An upper bound for what a group may be told. */
const COMMAND_BYTES = 16 * 1024;

type Context = { deadlineAt: number; trace: string | undefined };

/** The conversations at work in this router: ≤ 50 000, idle ones leave after 10 minutes. */
export class ConversationActors {
  readonly #deps: ActorDeps;
  readonly #actors = new Map<ConversationId, ConversationActor>();
  readonly #sweep: NodeJS.Timeout;

  constructor(deps: ActorDeps) {
    this.#deps = deps;
    this.#sweep = setInterval(() => this.#evictIdle(Date.now() - IDLE_MS), SWEEP_MS);
  }

  get size(): number {
    return this.#actors.size;
  }

  /** Sends that wait, over all conversations. */
  get depth(): number {
    let depth = 0;
    for (const actor of this.#actors.values()) depth += actor.depth;
    return depth;
  }

  /** Answered on commit. */
  send(input: MessageInput, { deadlineAt, trace }: Context): Promise<MessageSent> {
    const actor = this.#actorOf(input.conversation_id);
    actor.lastUsedAt = Date.now();
    return new Promise((resolve, reject) => {
      actor.put({ input, deadlineAt, trace, bytes: sizeOf(input), resolve, reject });
    });
  }

  /** Answered on commit, in its place among the sends. */
  change(command: ConversationCommand, context: Context): Promise<ConversationChanged> {
    const actor = this.#actorOf(command.conversation_id);
    actor.lastUsedAt = Date.now();
    return new Promise((resolve, reject) => {
      const letter = { bytes: COMMAND_BYTES, isAlone: true as const };
      actor.put({ command, ...context, ...letter, resolve, reject });
    });
  }

  /** Resolves when what the conversation has in flight now has begun its fan-out. */
  settled(id: ConversationId): Promise<void> | undefined {
    return this.#actors.get(id)?.settled;
  }

  /** Resolves when every conversation has settled what it had taken. */
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
