import { CLOSE, KahaError } from '../../../shared/errors.ts';
import type { AuthRequest } from '../../../shared/protocol/socket-requests.ts';
import type { TokenJudge } from '../erased/token-judge.ts';
import { closeCodeOf } from '../erased/user-erased.ts';
import { authOkFrame } from '../server/socket-frames.ts';
import type { Hub } from '../session/hub.ts';
import type { Session } from '../session/session.ts';
import { tellTokenEnd } from '../tokens/token-end.ts';
import type { VerifiedToken } from '../tokens/token-verifier.ts';
import type { OpenRequest, SessionOpening } from './session-opening.ts';

type Frame = AuthRequest & Pick<OpenRequest, 'id'>;
type Deps = { judge: TokenJudge; opening: SessionOpening; hub: Hub };

/**
 * Carries out the frame `auth`: the first one opens the session, a later one renews its token. A
 * bad token closes the socket with 4500, and one whose user was erased with 4503. A first token
 * that cannot be judged now closes it with 4001, and a later one leaves the session as it was until
 * its token ends. This refusal and every other one is thrown, and the caller answers it.
 */
export class Authentication {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async receive(session: Session, frame: Frame): Promise<void> {
    if (session.state === 'connected') return this.#begin(session, frame);
    if (session.state === 'open') return this.#renew(session, frame);
    throw new KahaError('INVALID_REQUEST', 'The session is not open yet');
  }

  async #begin(session: Session, frame: Frame): Promise<void> {
    session.state = 'verifying';
    session.deviceId = frame.device_id ?? session.deviceId;
    const token = await this.#verify(session, frame.token);
    if (token === undefined) return;
    session.userId = token.userId;
    session.tokenIssuedAt = token.issuedAt;
    session.tokenEndsAt = token.endsAt;
    session.tokenKey = token.key;
    await this.#deps.opening.open(session, token.userId, frame);
  }

  async #renew(session: Session, frame: Frame): Promise<void> {
    if (frame.device_id !== undefined && frame.device_id !== session.deviceId) {
      throw new KahaError('INVALID_REQUEST', 'device_id: a session keeps its device');
    }
    const token = await this.#verify(session, frame.token);
    if (token === undefined) return;
    if (token.userId !== session.userId) return this.#deps.hub.close(session, CLOSE.BAD_TOKEN);
    session.tokenIssuedAt = token.issuedAt;
    session.tokenEndsAt = token.endsAt;
    session.tokenKey = token.key;
    session.isTokenEndTold = false;
    if (frame.resync === true) return this.#deps.opening.resync(session, token.userId, frame);
    const nowMs = Date.now();
    this.#deps.hub.send(session, 'auth_ok', authOkFrame(session, frame.id, nowMs));
    tellTokenEnd(this.#deps.hub, session, nowMs);
  }

  /** Verifies the token; returns undefined where the socket is closed. */
  async #verify(session: Session, token: string): Promise<VerifiedToken | undefined> {
    try {
      const verified = await this.#deps.judge.verify(token);
      return session.state === 'closed' ? undefined : verified;
    } catch (thrown) {
      const error = KahaError.from(thrown);
      const { code } = error;
      const isBad = code === 'UNAUTHENTICATED' || code === 'INVALID_REQUEST';
      if (!isBad && session.state === 'open') throw thrown;
      this.#deps.hub.close(session, isBad ? closeCodeOf(error) : CLOSE.SERVER_ERROR);
      return undefined;
    }
  }
}
