import { numbers } from '../stage/numbers.ts';
import type { System } from '../stage/stack.ts';
import type { Chatter } from './chatter.ts';

const GROUP = 5;

/** A conversation, and what its participants wrote and were told. */
class Place {
  readonly id: string;
  readonly chatters: readonly Chatter[];
  readonly acknowledged: { seq: number; content: string }[] = [];
  /** The texts of each participant are here in the order in which they were written. */
  readonly written = new Map<Chatter, string[]>();

  constructor(id: string, chatters: readonly Chatter[]) {
    this.id = id;
    this.chatters = chatters;
  }

  /** Resolves once the server has the message. */
  async write(chatter: Chatter): Promise<void> {
    const written = this.written.get(chatter) ?? [];
    this.written.set(chatter, written);
    const content = `${chatter.person.id} ${written.length}`;
    written.push(content);
    const { acknowledged } = chatter.chat.send({ conversation_id: this.id, content });
    this.acknowledged.push({ seq: (await acknowledged).seq, content });
  }

  /** All participants were told of as many messages as were acknowledged. */
  get isAllTold(): boolean {
    const count = this.acknowledged.length;
    return this.chatters.every((chatter) => this.told(chatter).length >= count);
  }

  told({ told }: Chatter) {
    return told.filter(({ conversation_id: id }) => id === this.id);
  }
}

/**
 * Each of a ring has a conversation with the next one, and each fifth a group with the next four.
 * All follow and see their conversations from the beginning.
 */
export async function openPlaces(system: System, chatters: readonly Chatter[]): Promise<Place[]> {
  const ring = [...chatters, ...chatters];
  const sets = chatters.flatMap((_, at) => [
    ring.slice(at, at + 2),
    ...(at % GROUP === 0 ? [ring.slice(at, at + GROUP)] : []),
  ]);
  const places: Place[] = [];
  for (const set of sets) {
    const id = await system.conversation(set.map(({ person }) => person));
    places.push(new Place(id, set));
    for (const { chat, store } of set) {
      chat.follow(id, 0);
      store.messages(id).subscribe(() => undefined);
    }
  }
  return places;
}

/** Returns what is wrong with what the participants were told, and with what is shown to them. */
export async function wrongIn(place: Place): Promise<string[]> {
  const { id, chatters, acknowledged, written } = place;
  const inOrder = [...acknowledged].sort((a, b) => a.seq - b.seq);
  const problems: string[] = [];
  const compare = (what: string, found: readonly string[], wanted: readonly string[]): void => {
    if (found.join() === wanted.join()) return;
    problems.push(`${what} of ${id}: ${found.join(', ')} instead of ${wanted.join(', ')}`);
  };
  const seqs = inOrder.map(({ seq }) => `${seq}`);
  compare('acknowledgements', seqs, numbers(1, inOrder.length).map(String));
  for (const [{ person }, texts] of written) {
    const own = inOrder.filter(({ content }) => content.startsWith(person.id));
    compare(
      'one sender',
      own.map(({ content }) => content),
      texts,
    );
  }
  const wanted = inOrder.map(textOf);
  for (const chatter of chatters) {
    compare(`what ${chatter.person.id} was told`, place.told(chatter).map(textOf), wanted);
    const list = chatter.store.messages(id);
    while (list.value.hasOlder && !list.value.error) await list.older();
    compare(`what ${chatter.person.id} is shown`, list.value.messages.map(textOf), wanted);
  }
  return problems;
}

function textOf({ seq, content = '' }: { seq?: number; content?: string }): string {
  return `${seq} ${content}`;
}
