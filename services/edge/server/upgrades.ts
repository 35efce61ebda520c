import { KahaError } from '../../../shared/errors.ts';
import { isDeviceId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { EdgeMetrics } from '../edge-metrics.ts';
import type { TokenJudge } from '../erased/token-judge.ts';
import type { SessionOpening } from '../lifecycle/session-opening.ts';
import { errorAnswer, type Header } from '../rest/http-errors.ts';
import { Session } from '../session/session.ts';
import { bearerToken } from '../tokens/bearer.ts';
import type { VerifiedToken } from '../tokens/token-verifier.ts';
import { Admission } from './admission.ts';
import type { Connections } from './connections.ts';
import { isOriginAllowed } from './origin.ts';
import { type Offer, readOffer } from './subprotocols.ts';
import type { UpgradeAnswer, UpgradeCall } from './uws-server.ts';

type Deps = {
  bus: Bus;
  judge: TokenJudge;
  opening: SessionOpening;
  connections: Connections;
  metrics: EdgeMetrics;
  allowedOrigins: readonly string[];
  admissionRatePerS: number;
  isDraining: () => boolean;
};

type Outcomes = {
  good: (token: VerifiedToken) => UpgradeAnswer;
  bad: (error: KahaError) => UpgradeAnswer;
};

/** Metrics count refusals by these reasons. */
type Reason =
  | 'origin'
  | 'malformed'
  | 'draining'
  | 'nats'
  | 'openings'
  | 'connections'
  | 'rate'
  | 'rate_without_token'
  | 'rate_unknown_tokens'
  | 'bad_token'
  | 'unjudged_token';

const NO_ROOM: Readonly<Partial<Record<Reason, string>>> = {
  draining: 'This server is going away',
  nats: 'NATS is not connected',
  openings: 'Too many sessions are opening',
  connections: 'This server has all the connections that it can hold',
  rate: 'Too many connections at once',
  rate_without_token: 'Too many connections without a token at once',
  rate_unknown_tokens: 'Too many bad tokens at once',
};
/** This is the version of RFC 6455. A refusal of another one names it. */
const VERSION = '13';
const UNAUTHORIZED = 401;
const UNAVAILABLE = 503;

/**
 * The edge spreads the return of refused clients over this time, so that they do not come back
 * together.
 */
const RETRY_AFTER_MAX_S = 5;
/** A client of a full edge may come back sooner, because it may well come to another edge. */
const ELSEWHERE_AFTER_MAX_S = 2;

/**
 * Decides who may open a socket, in this order: a bad Origin is answered 403, another version, bad
 * subprotocols or a bad device 400, no room 503, a token that is too long 431, and a bad one 401. A
 * bad token among the subprotocols is let in and closed 4500, because a browser sees no status.
 * `Admission` tells for whom there is room. The verifier bounds the time that wrong signatures
 * take, and answers 503 beyond it.
 */
export class Upgrades {
  readonly #deps: Deps;
  readonly #admission: Admission;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#admission = new Admission(deps.admissionRatePerS);
  }

  decide(call: UpgradeCall): UpgradeAnswer | Promise<UpgradeAnswer> {
    if (!isOriginAllowed(call.origin, this.#deps.allowedOrigins)) {
      return this.#refuse('origin', new KahaError('FORBIDDEN', 'The Origin is not allowed'));
    }
    if (call.version !== VERSION) return this.#refuseVersion();
    const offer = readOffer(call.subprotocols);
    if (typeof offer === 'string') return this.#refuseMalformed(offer);
    if (call.deviceId !== undefined && !isDeviceId(call.deviceId)) {
      return this.#refuseMalformed('x-device-id is malformed');
    }
    const lack = this.#lack;
    if (lack !== undefined) return this.#refuseForNow(lack);
    if (call.authorization !== '') return this.#byHeader(call, offer);
    if (offer.token !== undefined) return this.#bySubprotocol(offer.token, offer);
    if (!this.#admission.withoutToken.take(steadyMs())) {
      return this.#refuseForNow('rate_without_token');
    }
    return this.#accept(offer, new Session(steadyMs()));
  }

  /**
   * Returns the error with which an upgrade that brings a good token would be refused now for want
   * of room. A browser hides the answer to an upgrade from its page, so the page asks for it by a
   * plain GET.
   */
  get lack(): KahaError | undefined {
    const lack = this.#lack;
    return lack === undefined ? undefined : forNow(lack);
  }

  /** Returns what an upgrade lacks now, whoever asks. */
  get #lack(): Reason | undefined {
    const { isDraining, bus, opening, connections } = this.#deps;
    if (isDraining()) return 'draining';
    if (!bus.connected) return 'nats';
    if (opening.isFull) return 'openings';
    if (connections.isOver) return 'connections';
    return this.#admission.verified.hasRoom(steadyMs()) ? undefined : 'rate';
  }

  #byHeader(call: UpgradeCall, offer: Offer): UpgradeAnswer | Promise<UpgradeAnswer> {
    const token = bearerToken(call.authorization);
    if (token === undefined) {
      return this.#refuseToken(new KahaError('UNAUTHENTICATED', 'A bearer token is required'));
    }
    return this.#verified(token, {
      good: (verified) => this.#admit(offer, authenticated(verified, call.deviceId)),
      bad: (error) => this.#refuseToken(error),
    });
  }

  #bySubprotocol(token: string, offer: Offer): UpgradeAnswer | Promise<UpgradeAnswer> {
    return this.#verified(token, {
      good: (verified) => this.#admit(offer, authenticated(verified, offer.deviceId)),
      bad: (error) => {
        if (error.code === 'INVALID_REQUEST') return this.#refuseToken(error);
        if (!this.#admission.refused.take(steadyMs())) {
          return this.#refuseForNow('rate_unknown_tokens');
        }
        return this.#accept(offer, refusedSession(error));
      },
    });
  }

  /**
   * Verifies the token within the handler of the upgrade if its key is here, because a later
   * upgrade costs more.
   */
  #verified(token: string, then: Outcomes): UpgradeAnswer | Promise<UpgradeAnswer> {
    const { judge } = this.#deps;
    const bad = (thrown: unknown): UpgradeAnswer => {
      const error = KahaError.from(thrown);
      const isRefusedForNow = error.code === 'MESSAGING_UNAVAILABLE';
      return isRefusedForNow ? this.#refuseForNow('rate_unknown_tokens') : then.bad(error);
    };
    try {
      const verified = judge.verify(token);
      return verified instanceof Promise ? verified.then(then.good, bad) : then.good(verified);
    } catch (error) {
      return bad(error);
    }
  }

  /** Lets a client with a good token in. The key server may have been asked since `#lack`. */
  #admit(offer: Offer, session: Session): UpgradeAnswer {
    if (!this.#admission.verified.take(steadyMs())) return this.#refuseForNow('rate');
    return this.#accept(offer, session);
  }

  #accept(offer: Offer, session: Session): UpgradeAnswer {
    return { isAccepted: true, session, subprotocol: offer.chosen };
  }

  #refuseForNow(reason: Reason): UpgradeAnswer {
    return this.#refuse(reason, forNow(reason));
  }

  #refuseMalformed(message: string): UpgradeAnswer {
    return this.#refuse('malformed', new KahaError('INVALID_REQUEST', message));
  }

  #refuseVersion(): UpgradeAnswer {
    const message = `The only Sec-WebSocket-Version is ${VERSION}`;
    const error = new KahaError('INVALID_REQUEST', message);
    return this.#refuse('malformed', error, [['Sec-WebSocket-Version', VERSION]]);
  }

  #refuseToken(error: KahaError): UpgradeAnswer {
    const reasons: Partial<Record<number, Reason>> = {
      [UNAUTHORIZED]: 'bad_token',
      [UNAVAILABLE]: 'unjudged_token',
    };
    return this.#refuse(reasons[error.status] ?? 'malformed', error);
  }

  #refuse(reason: Reason, error: KahaError, headers: readonly Header[] = []): UpgradeAnswer {
    this.#deps.metrics.refused.add(reason);
    return { isAccepted: false, answer: errorAnswer(error, headers) };
  }
}

function forNow(reason: Reason): KahaError {
  const maxS = reason === 'connections' ? ELSEWHERE_AFTER_MAX_S : RETRY_AFTER_MAX_S;
  const retryAfterS = 1 + Math.floor(Math.random() * maxS);
  return new KahaError('MESSAGING_UNAVAILABLE', NO_ROOM[reason] ?? '', { retryAfterS });
}

function authenticated(token: VerifiedToken, deviceId: string | undefined): Session {
  const session = new Session(steadyMs());
  session.state = 'opening';
  session.userId = token.userId;
  session.tokenIssuedAt = token.issuedAt;
  session.tokenEndsAt = token.endsAt;
  session.tokenKey = token.key;
  if (deviceId !== undefined) session.deviceId = deviceId;
  return session;
}

function refusedSession(error: KahaError): Session {
  const session = new Session(steadyMs());
  session.refusal = error;
  return session;
}
