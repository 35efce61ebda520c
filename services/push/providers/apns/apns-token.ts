import { importPKCS8, SignJWT } from 'jose';

export type ApnsKey = {
  keyId: string;
  teamId: string /** PKCS8 in PEM, as Apple gives it. */;
  privateKey: string;
};

/** APNs refuses a token that is older than an hour, and one that is renewed within 20 minutes. */
const RENEWED_AFTER_MS = 40 * 60_000;

/** Signs the token by which APNs knows us, and keeps it for 40 minutes. */
export class ApnsToken {
  readonly #key: ApnsKey;
  readonly #clocks: { now: () => number; wallMs: () => number };
  #token: Promise<string> | undefined;
  #signedAtMs = Number.NEGATIVE_INFINITY;

  constructor(key: ApnsKey, clocks: { now: () => number; wallMs: () => number }) {
    this.#key = key;
    this.#clocks = clocks;
  }

  current(): Promise<string> {
    const { now } = this.#clocks;
    if (this.#token === undefined || now() - this.#signedAtMs > RENEWED_AFTER_MS) {
      this.#signedAtMs = now();
      this.#token = this.#sign();
    }
    return this.#token;
  }

  async #sign(): Promise<string> {
    const { keyId, teamId, privateKey } = this.#key;
    return new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', kid: keyId })
      .setIssuer(teamId)
      .setIssuedAt(Math.floor(this.#clocks.wallMs() / 1_000))
      .sign(await importPKCS8(privateKey, 'ES256'));
  }
}
