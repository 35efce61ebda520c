import { subjects } from '../../../shared/contracts/subjects.ts';
import type { ConversationId } from '../../../shared/ids.ts';
import type { Bus, Msg } from '../../../shared/nats/bus.ts';
import { parseJson } from '../../../shared/nats/parse-json.ts';
import type { Logger } from '../../../shared/process/logger.ts';

type Signal = { conversation_id: ConversationId; version: number };
type Deps = {
  bus: Bus;
  /** Hears that the participants of all versions below this one are out of date. */
  onChanged: (id: ConversationId, version: number) => void;
  logger: Logger;
};

/**
 * Tells the other routers when this router has changed participants. What they know of the
 * conversation is out of date from then on. The signal is best effort, because a router that misses
 * it trusts what it knows only for some seconds.
 */
export class MembershipSignals {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
    deps.bus.subscribe(subjects.membershipChanged, (msg) => this.#receive(msg));
  }

  /** Tells the other routers. Call it once the change is committed. */
  publish(id: ConversationId, version: number): void {
    const signal: Signal = { conversation_id: id, version };
    this.#deps.bus.publish(subjects.membershipChanged, JSON.stringify(signal));
  }

  #receive(msg: Msg): void {
    const { onChanged, logger } = this.#deps;
    try {
      const { conversation_id: id, version } = parseJson(msg.data) as Signal;
      onChanged(id, version);
    } catch (error) {
      logger.error({ err: error }, 'signal not understood');
    }
  }
}
