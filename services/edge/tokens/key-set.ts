import type { SigningKey } from './signing-key.ts';

/** Answers that lack a key count as one answer where less time lies between them. */
const CONFIRM_MS = 10_000;
/** The set is believed to be empty once the key server has said nothing else for so long. */
const EMPTY_BELIEVED_MS = 300_000;
/** The set remembers so many names of withdrawn keys, and forgets the oldest. */
const WITHDRAWN_MAX = 64;

/**
 * Holds the keys of the key server, and decides when a key is withdrawn. One answer without a key
 * is no proof: servers that stand side by side may learn of a new key one after the other.
 *
 * - A key is withdrawn once two answers that lack it, and have other keys, are 10 s apart.
 * - An empty answer changes nothing, because most are the fault of a server, and all sessions would
 *   end. Once the server has answered nothing else for 5 minutes, all keys are withdrawn.
 */
export class KeySet {
  #keys = new Map<string, SigningKey>();
  readonly #missedAt = new Map<SigningKey, number>();
  readonly #withdrawnIds = new Set<string>();
  #emptyAt: number | undefined;

  get size(): number {
    return this.#keys.size;
  }

  /** Takes over an answer of the key server, and returns the keys that it withdraws. */
  adopt(answered: readonly SigningKey[], nowMs: number): SigningKey[] {
    if (answered.length === 0) this.#emptyAt ??= nowMs;
    else this.#emptyAt = undefined;
    if (this.#emptyAt !== undefined && nowMs - this.#emptyAt < EMPTY_BELIEVED_MS) return [];
    const withdrawn = this.#missing(answered, nowMs);
    for (const key of withdrawn) this.#withdraw(key);
    for (const key of answered) {
      if (!this.#keys.has(key.mark)) this.#keys.set(key.mark, key);
      if (key.keyId !== undefined) this.#withdrawnIds.delete(key.keyId);
    }
    return withdrawn;
  }

  /** Returns the keys of this name, or all keys where the token names none. */
  named(keyId: string | undefined): SigningKey[] {
    const keys = [...this.#keys.values()];
    return keyId === undefined ? keys : keys.filter((key) => key.keyId === keyId);
  }

  /** Tells whether a key of this name was withdrawn and has not come back. */
  isWithdrawn(keyId: string): boolean {
    return this.#withdrawnIds.has(keyId);
  }

  #missing(answered: readonly SigningKey[], nowMs: number): SigningKey[] {
    const marks = new Set(answered.map(({ mark }) => mark));
    const withdrawn: SigningKey[] = [];
    for (const key of this.#keys.values()) {
      const missedAt = this.#missedAt.get(key) ?? nowMs;
      if (marks.has(key.mark)) this.#missedAt.delete(key);
      else this.#missedAt.set(key, missedAt);
      const isSure = answered.length === 0 || nowMs - missedAt >= CONFIRM_MS;
      if (!marks.has(key.mark) && isSure) withdrawn.push(key);
    }
    return withdrawn;
  }

  #withdraw(key: SigningKey): void {
    key.isWithdrawn = true;
    this.#keys.delete(key.mark);
    this.#missedAt.delete(key);
    if (key.keyId === undefined) return;
    this.#withdrawnIds.add(key.keyId);
    if (this.#withdrawnIds.size <= WITHDRAWN_MAX) return;
    for (const oldest of this.#withdrawnIds) {
      this.#withdrawnIds.delete(oldest);
      return;
    }
  }
}
