import { importJWK, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';

/** The keys are those of the protocol: 65 and 32 bytes in base64url. */
export type VapidKeys = {
  publicKey: string;
  privateKey: string /** mailto: or https: */;
  subject: string;
};

type Clocks = { now: () => number; wallMs: () => number };

/** Push services refuse a token that lives longer than 24 h. */
const LIFE_S = 12 * 3_600;
const RENEWED_AFTER_MS = 6 * 3_600_000;
const ORIGINS_MAX = 1_000;

/** Proves to each push service who sends. A token serves for one origin, for six hours. */
export class Vapid {
  readonly #keys: VapidKeys;
  readonly #clocks: Clocks;
  readonly #tokens = new LRUCache<string, { token: Promise<string>; signedAtMs: number }>({
    max: ORIGINS_MAX,
  });

  constructor(keys: VapidKeys, clocks: Clocks) {
    this.#keys = keys;
    this.#clocks = clocks;
  }

  /** Returns the header `authorization` for an origin. */
  async headerFor(origin: string): Promise<string> {
    const nowMs = this.#clocks.now();
    let known = this.#tokens.get(origin);
    if (known === undefined || nowMs - known.signedAtMs > RENEWED_AFTER_MS) {
      known = { token: this.#sign(origin), signedAtMs: nowMs };
      this.#tokens.set(origin, known);
    }
    return `vapid t=${await known.token}, k=${this.#keys.publicKey}`;
  }

  async #sign(origin: string): Promise<string> {
    const { publicKey, privateKey, subject } = this.#keys;
    const point = Buffer.from(publicKey, 'base64url');
    const part = (from: number): string => point.subarray(from, from + 32).toString('base64url');
    const jwk = { kty: 'EC', crv: 'P-256', x: part(1), y: part(33), d: privateKey };
    return new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT' })
      .setAudience(origin)
      .setSubject(subject)
      .setExpirationTime(Math.floor(this.#clocks.wallMs() / 1_000) + LIFE_S)
      .sign(await importJWK(jwk, 'ES256'));
  }
}
