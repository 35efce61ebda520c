import { randomBytes } from 'node:crypto';
import t from 'tap';
import { isSoak, roundsWanted, seedWanted } from '../../../dev/testing/test-servers.ts';
import { type ConversationId, type MessageId, newId, type UserId } from '../../../shared/ids.ts';
import type { ContentKey } from '../content/content-keys.ts';
import { writeAsBefore } from '../stage/old-texts.ts';
import {
  appendOk,
  contentKeys,
  createTalk,
  letter,
  openStore,
  type StoreParts,
  setStage,
} from '../stage/store-stage.ts';
import { reencrypt } from './reencrypt.ts';
import { rotateKeys } from './rotate-keys.ts';

/**
 * Random sends, edits, deletions and commands by two stores, whose content keys change one after
 * the other, are played against a plain map of what was written. Whatever the order, each store
 * reads every text as it was written.
 */
const { store: first, sql, url } = await setStage(t);
const [k1] = contentKeys as [ContentKey];
const k2 = { id: 'k2', key: randomBytes(32) };
/** A change of content keys goes through these lists, one store after the other. */
const LISTS: readonly ContentKey[][] = [[k1], [k1, k2], [k2, k1], [k2]];
const ROUNDS = roundsWanted ?? (isSoak ? 60 : 3);
const STEPS = isSoak ? 400 : 60;

type Text = { content: string; metadata: { n: number } };
type Talk = { id: ConversationId; alice: UserId; texts: Map<MessageId, Text | undefined> };
type Place = { step: number; store: StoreParts };

class World {
  readonly #random: (limit: number) => number;
  readonly talks: Talk[] = [];
  readonly places: [Place, Place];
  #count = 0;
  /** Nothing is under the old content key any more, and no store writes with it. */
  #isMoved = false;

  constructor(seed: number) {
    this.#random = createRandom(seed);
    this.places = [this.#place(0), this.#place(0)];
  }

  #place(step: number): Place {
    return { step, store: openStore(url, { keys: LISTS[step] as ContentKey[] }) };
  }

  #one<Item>(items: readonly Item[]): Item | undefined {
    return items[this.#random(items.length)];
  }

  #text(): Text {
    this.#count += 1;
    return { content: `text ${this.#count} ${newId<string>()}`, metadata: { n: this.#count } };
  }

  async step(): Promise<void> {
    const place = this.#one(this.places) as Place;
    const { store } = place;
    const talk = this.#one(this.talks);
    const act = this.#random(9);
    if (talk === undefined || act === 0) await this.#talk(store);
    else if (act <= 2) await this.#send(store, talk);
    else if (act === 3) await this.#edit(store, talk);
    else if (act === 4) await this.#delete(store, talk);
    else if (act === 5) await this.#sendAsBefore(place, talk);
    else if (act === 6) await this.#change();
    else if (act === 7) await this.#rotate(place);
    else await this.#reencrypt(place);
  }

  async #talk(store: StoreParts): Promise<void> {
    const { id, alice } = await createTalk(store);
    this.talks.push({ id, alice, texts: new Map() });
  }

  async #send(store: StoreParts, { id, alice, texts }: Talk): Promise<MessageId | undefined> {
    const text = this.#text();
    const item = { ...letter(alice, text.content), metadata: text.metadata };
    const [sent] = await appendOk(store, id, [item]);
    if (sent !== undefined) texts.set(sent.message_id, text);
    return sent?.message_id;
  }

  /** A store of the version before has sent it, with its first content key. */
  async #sendAsBefore({ step, store }: Place, talk: Talk): Promise<void> {
    if (this.#isMoved) return;
    const message_id = (await this.#send(store, talk)) as MessageId;
    const place = { conversation_id: talk.id, message_id };
    const text = talk.texts.get(message_id) as Text;
    await writeAsBefore(sql, { place, ...text, keys: LISTS[step] as ContentKey[] });
  }

  async #target(talk: Talk) {
    const shown = [...talk.texts].filter(([, text]) => text !== undefined);
    const [message_id] = this.#one(shown) ?? [];
    if (message_id === undefined) return undefined;
    const who = { user_id: talk.alice, message_id };
    return { ...who, place: await first.operations['messages.locate'](who, 0) };
  }

  async #edit({ operations }: StoreParts, talk: Talk): Promise<void> {
    const target = await this.#target(talk);
    if (target === undefined) return;
    const { content } = this.#text();
    await operations['messages.edit']({ ...target, content }, 0);
    const { metadata } = talk.texts.get(target.message_id) as Text;
    talk.texts.set(target.message_id, { content, metadata });
  }

  async #delete({ operations }: StoreParts, talk: Talk): Promise<void> {
    const target = await this.#target(talk);
    if (target === undefined) return;
    await operations['messages.delete'](target, 0);
    talk.texts.set(target.message_id, undefined);
  }

  /** The store that is behind goes on, and both move everything before the old key goes. */
  async #change(): Promise<void> {
    const [behind, other] = [...this.places].sort((a, b) => a.step - b.step) as [Place, Place];
    const step = behind.step + 1;
    if (step === LISTS.length || step > other.step + 1) return;
    if (step === LISTS.length - 1 && !this.#isMoved) {
      if (other.step < step - 1) return;
      t.match(await this.#rotate(behind), { left: 0 });
      t.match(await this.#reencrypt(behind), { left: 0 });
      this.#isMoved = true;
    }
    await behind.store.close();
    Object.assign(behind, this.#place(step));
  }

  #rotate({ step, store: { db } }: Place) {
    const keys = LISTS[step] as ContentKey[];
    return rotateKeys({ db, contentKeys: keys, batchMax: 2, tell: () => undefined });
  }

  #reencrypt({ store: { db, ciphers } }: Place) {
    return reencrypt({ db, ciphers, rowsPerS: 1e6, batchMax: 3, tell: () => undefined });
  }

  /** Returns what a store reads otherwise than it was written. */
  async differences({ operations }: StoreParts): Promise<unknown[]> {
    const found: unknown[] = [];
    for (const { id, alice, texts } of this.talks) {
      const ask = { user_id: alice, conversation_id: id, limit: 100 };
      const { messages } = await operations['messages.history'](ask, 0);
      const shown = new Map(messages.map((one) => [one.message_id, one]));
      for (const [message_id, text] of [...texts].slice(-100)) {
        const { content, metadata } = shown.get(message_id) ?? {};
        const isSame =
          content === text?.content && JSON.stringify(metadata) === JSON.stringify(text?.metadata);
        if (!isSame) found.push({ message_id, text, content, metadata });
      }
    }
    return found;
  }

  async close(): Promise<void> {
    for (const { store } of this.places) await store.close();
    await sql('truncate messages, message_keys, message_revisions, content_keys, outbox');
  }
}

for (let round = 0; round < ROUNDS; round += 1) {
  const seed = seedWanted ?? Math.floor(Math.random() * 2 ** 31);
  t.test(`every text reads as it was written, whatever happens to keys (${seed})`, async (t) => {
    const world = new World(seed);
    for (let step = 0; step < STEPS; step += 1) await world.step();
    for (const { store } of world.places) t.same(await world.differences(store), []);
    t.ok(world.talks.length > 0);
    await world.close();
  });
}

/** Returns whole numbers below the limit, the same ones for each seed (mulberry32). */
function createRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}
