import type { ConversationId } from '../../../shared/ids.ts';
import { deriveKey, type Purpose } from './derived-key.ts';
import { seal, unseal } from './sealed-text.ts';

/** A conversation gets a key of the next generation once its last one is gone. */
export type KeyPlace = { conversation_id: ConversationId; generation: number };

/** The key itself encrypts nothing. Texts are under the keys that derive from it. */
export class ConversationKey {
  readonly place: KeyPlace;
  /** Postgres gave this time to the key. A lost key and the one made instead differ in it. */
  readonly madeAt: string;
  readonly #key: Buffer;
  readonly #derived = new Map<Purpose, Buffer>();

  constructor(place: KeyPlace, key: Buffer, madeAt: string) {
    this.place = place;
    this.madeAt = madeAt;
    this.#key = key;
  }

  keyFor(purpose: Purpose): Buffer {
    const known = this.#derived.get(purpose);
    if (known !== undefined) return known;
    const derived = deriveKey(this.#key, purpose, textOf(this.place));
    this.#derived.set(purpose, derived);
    return derived;
  }
}

/** A wrapped key is sealed with a content key for its place, so no other row can pass for it. */
export function wrapKey(key: Buffer, contentKey: Buffer, place: KeyPlace): Buffer {
  return seal(key, { key: contentKey, place: textOf(place) });
}

/** The call throws if the content key is another, or the wrapped key is of another place. */
export function unwrapKey(wrapped: Buffer, contentKey: Buffer, place: KeyPlace): Buffer {
  return unseal(wrapped, { key: contentKey, place: textOf(place) });
}

function textOf({ conversation_id, generation }: KeyPlace): string {
  return `${conversation_id}/key/${generation}`;
}
