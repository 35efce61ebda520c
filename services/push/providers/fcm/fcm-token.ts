import { importPKCS8, SignJWT } from 'jose';
import { type Dispatcher, request } from 'undici';

/** The account is the JSON file that Google gives for a service account. */
export type ServiceAccount = {
  project_id: string;
  client_email: string;
  private_key: string;
  token_uri: string;
};

type Options = {
  account: ServiceAccount;
  dispatcher: Dispatcher;
  tryMs: number;
  now: () => number;
  wallMs: () => number;
};

/** Google did not give a token. */
export class TokenRefusedError extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`the token endpoint answered ${status}`);
    this.name = 'TokenRefusedError';
    this.status = status;
  }
}

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const ASSERTION_S = 600;
/** A token is renewed when this part of its life has passed. */
const USED_PART = 0.8;

/** Gets the access token for FCM, and keeps it for most of its life. Whoever waits shares it. */
export class FcmToken {
  readonly #options: Options;
  #token: Promise<string> | undefined;
  #renewAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: Options) {
    this.#options = options;
  }

  current(): Promise<string> {
    if (this.#token !== undefined && this.#options.now() < this.#renewAtMs) return this.#token;
    this.#renewAtMs = Number.POSITIVE_INFINITY;
    const token = this.#ask();
    this.#token = token;
    token.catch(() => this.forget(token));
    return token;
  }

  /** Forgets a token that FCM does not take. Whoever comes next gets another one. */
  forget(token: Promise<string>): void {
    if (this.#token === token) this.#token = undefined;
  }

  async #ask(): Promise<string> {
    const { account, dispatcher, tryMs, now } = this.#options;
    const assertion = await this.#assertion();
    const { statusCode, body } = await request(account.token_uri, {
      ...{ method: 'POST', dispatcher, signal: AbortSignal.timeout(tryMs) },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: GRANT, assertion }).toString(),
    });
    const text = await body.text();
    if (statusCode !== 200) throw new TokenRefusedError(statusCode);
    const { access_token: token, expires_in: lifeS } = JSON.parse(text) as Record<string, unknown>;
    if (typeof token !== 'string' || typeof lifeS !== 'number') throw new TokenRefusedError(200);
    this.#renewAtMs = now() + lifeS * 1_000 * USED_PART;
    return token;
  }

  async #assertion(): Promise<string> {
    const { account, wallMs } = this.#options;
    const nowS = Math.floor(wallMs() / 1_000);
    return new SignJWT({ scope: SCOPE })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuer(account.client_email)
      .setAudience(account.token_uri)
      .setIssuedAt(nowS)
      .setExpirationTime(nowS + ASSERTION_S)
      .sign(await importPKCS8(account.private_key, 'RS256'));
  }
}
