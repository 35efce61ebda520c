import { KahaError } from '../../../shared/errors.ts';
import { isDeviceId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';
import type { SessionOpening } from '../lifecycle/session-opening.ts';
import { type Rate, takeOne } from '../limits/rate-limit.ts';
import { errorAnswer } from '../rest/http-errors.ts';
import { Session } from '../session/session.ts';
import { bearerToken } from '../tokens/bearer.ts';
import type { TokenVerifier, VerifiedToken } from '../tokens/token-verifier.ts';
import { isOriginAllowed } from './origin.ts';
import { type Offer, readOffer } from './subprotocols.ts';
import type { UpgradeAnswer, UpgradeCall } from './uws-server.ts';

type Deps = {
  bus: Bus;
  verifier: TokenVerifier;
  opening: SessionOpening;
  metrics: EdgeMetrics;
  allowedOrigins: readonly string[];
  admissionRatePerS: number;
  isDraining: () => boolean;
};

type Outcomes = {
  good: (token: VerifiedToken) => UpgradeAnswer;
  bad: (error: unknown) => UpgradeAnswer;
};

type Taken = ReturnType<typeof takeOne>;

/**
 * The edge spreads the return of refused clients over this time, so that they do not come back
 * together.
 */
const RETRY_AFTER_MAX_S = 5;

/**
 * Decides who may open a socket, in this order: a bad Origin is answered 403, bad subprotocols or a
 * bad device 400, no room 503, a token that is too long 431, and a bad one 401. A bad token among
 * the subprotocols is let in and closed 4500, because a browser sees no status.
 */
export class Upgrades {
  readonly #deps: Deps;
  readonly #rate: Rate;
  #fullAt = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#rate = { perS: deps.admissionRatePerS, burst: deps.admissionRatePerS };
  }

  decide(call: UpgradeCall): UpgradeAnswer | Promise<UpgradeAnswer> {
    if (!isOriginAllowed(call.origin, this.#deps.allowedOrigins)) {
      return this.#refuse(new KahaError('FORBIDDEN', 'The Origin is not allowed'));
    }
    const offer = readOffer(call.subprotocols);
    if (typeof offer === 'string') return this.#refuse(new KahaError('INVALID_REQUEST', offer));
    if (call.deviceId !== undefined && !isDeviceId(call.deviceId)) {
      return this.#refuse(new KahaError('INVALID_REQUEST', 'x-device-id is malformed'));
    }
    const taken = takeOne(this.#fullAt, this.#rate, Date.now());
    const lack = this.#lack(taken);
    if (lack !== undefined) return this.#refuse(lack);
    if ('fullAt' in taken) this.#fullAt = taken.fullAt;
    if (call.authorization !== '') return this.#byHeader(call, offer);
    if (offer.token !== undefined) return this.#bySubprotocol(offer.token, offer);
    return this.#accept(offer, new Session(Date.now()));
  }

  /**
   * Returns the error with which an upgrade would be refused now for want of room. A browser hides
   * the answer to an upgrade from its page, so the page asks for it by a plain GET.
   */
  get lack(): KahaError | undefined {
    return this.#lack(takeOne(this.#fullAt, this.#rate, Date.now()));
  }

  #lack(taken: Taken): KahaError | undefined {
    const reason = this.#noRoom(taken);
    if (reason === undefined) return undefined;
    const retryAfterS = 1 + Math.floor(Math.random() * RETRY_AFTER_MAX_S);
    return new KahaError('MESSAGING_UNAVAILABLE', reason, { retryAfterS });
  }

  #noRoom(taken: Taken): string | undefined {
    const { isDraining, bus, opening } = this.#deps;
    if (isDraining()) return 'This server is going away';
    if (!bus.connected) return 'NATS is not connected';
    if (opening.isFull) return 'Too many sessions are opening';
    return 'retryAfterMs' in taken ? 'Too many connections at once' : undefined;
  }

  #byHeader(call: UpgradeCall, offer: Offer): UpgradeAnswer | Promise<UpgradeAnswer> {
    const token = bearerToken(call.authorization);
    if (token === undefined) {
      return this.#refuse(new KahaError('UNAUTHENTICATED', 'A bearer token is required'));
    }
    return this.#verified(token, {
      good: (verified) => this.#accept(offer, authenticated(verified, call.deviceId)),
      bad: (error) => this.#refuse(KahaError.from(error)),
    });
  }

  #bySubprotocol(token: string, offer: Offer): UpgradeAnswer | Promise<UpgradeAnswer> {
    return this.#verified(token, {
      good: (verified) => this.#accept(offer, authenticated(verified, offer.deviceId)),
      bad: (thrown) => {
        const error = KahaError.from(thrown);
        if (error.code === 'INVALID_REQUEST') return this.#refuse(error);
        return this.#accept(offer, refusedSession(error));
      },
    });
  }

  /**
   * Verifies the token within the handler of the upgrade if its key is here, because a later
   * upgrade costs more.
   */
  #verified(token: string, then: Outcomes): UpgradeAnswer | Promise<UpgradeAnswer> {
    try {
      const verified = this.#deps.verifier.verify(token);
      return verified instanceof Promise ? verified.then(then.good, then.bad) : then.good(verified);
    } catch (error) {
      return then.bad(error);
    }
  }

  #accept(offer: Offer, session: Session): UpgradeAnswer {
    return { isAccepted: true, session, subprotocol: offer.chosen };
  }

  #refuse(error: KahaError): UpgradeAnswer {
    this.#deps.metrics.upgradesRefused.add(String(error.status));
    return { isAccepted: false, answer: errorAnswer(error) };
  }
}

function authenticated(token: VerifiedToken, deviceId: string | undefined): Session {
  const session = new Session(Date.now());
  session.state = 'opening';
  session.userId = token.userId;
  session.tokenEndsAt = token.endsAt;
  session.tokenKey = token.key;
  if (deviceId !== undefined) session.deviceId = deviceId;
  return session;
}

function refusedSession(error: KahaError): Session {
  const session = new Session(Date.now());
  session.refusal = error;
  return session;
}
