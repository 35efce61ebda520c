import type { BusinessSignal, InboxStep } from '../../../shared/contracts/business-signals.ts';
import type { InboxHead } from '../../../shared/contracts/inbox-reads.ts';
import type { StoreOps } from '../../../shared/contracts/store-ops.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { inboxStep } from './inbox-step.ts';

/** Store counts the inbox so. It answers once `held` resolves, and nothing while it `isAway`. */
type Inbox = InboxHead & {
  newest?: InboxStep;
  /** A head was asked for this often. */
  heads: number;
  isAway: boolean;
  held?: Promise<void>;
};

/** A scripted store answers for inboxes, and a router tells edges of the steps in them. */
export class ScriptedInboxes {
  readonly #inboxes = new Map<BusinessId, Inbox>();
  readonly #router: Bus;

  constructor(store: Bus, router: Bus) {
    this.#router = router;
    serve(store, 'inbox.head', async ({ business_id, user_ids }) => {
      const inbox = this.#of(business_id);
      inbox.heads += 1;
      const { version, waiting, assigned, mine } = inbox;
      const known = Object.entries(inbox.roles).filter(([id]) => user_ids.includes(id as UserId));
      await inbox.held;
      if (inbox.isAway) throw new KahaError('DATABASE_UNAVAILABLE', 'away');
      return { version, waiting, assigned, mine, roles: Object.fromEntries(known) };
    });
    serve(store, 'inbox.newest', async ({ business_id }) => {
      const { version, newest } = this.#of(business_id);
      return { version, ...(newest !== undefined && { step: newest }) };
    });
  }

  /** Makes an inbox of a business that has a manager and an agent. */
  open() {
    const business = newId<BusinessId>();
    const [boss, ann] = [newId<UserId>(), newId<UserId>()];
    const counts = { waiting: 0, assigned: 0, mine: {} };
    const roles: InboxHead['roles'] = { [boss]: 'manager', [ann]: 'agent' };
    const inbox: Inbox = { version: 0, ...counts, roles, heads: 0, isAway: false };
    this.#inboxes.set(business, inbox);
    return { business, boss, ann, inbox };
  }

  tell(business: BusinessId, signal: BusinessSignal): void {
    this.#router.publish(subjects.business(business), JSON.stringify(signal));
  }

  /** Store has a new step, and the router tells of it. */
  step(business: BusinessId, rest: Partial<InboxStep> = {}): InboxStep {
    const taken = this.lose(business, rest);
    this.tell(business, { kind: 'step', ...taken });
    return taken;
  }

  /** Store has a new step, and its signal is lost. */
  lose(business: BusinessId, rest: Partial<InboxStep> = {}): InboxStep {
    const inbox = this.#of(business);
    inbox.version += 1;
    inbox.newest = inboxStep(business, inbox.version, rest);
    return inbox.newest;
  }

  #of(business: BusinessId): Inbox {
    return this.#inboxes.get(business) as Inbox;
  }
}

function serve<Op extends keyof StoreOps>(
  store: Bus,
  op: Op,
  handle: (request: StoreOps[Op][0]) => Promise<StoreOps[Op][1]>,
): void {
  const options = { subject: subjects.store(op), queue: 'store', concurrencyMax: 99 };
  store.serve(options, (body) => handle(body as StoreOps[Op][0]));
}
