import type { SessionOpen, SessionOpened } from '../../../shared/contracts/router-ops.ts';
import { queueName } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Epochs } from '../../../shared/process/epochs.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { DeviceHolders } from '../queues/device-holders.ts';
import type { DeviceQueues } from '../queues/device-queues.ts';
import type { Device, KnownQueues } from '../queues/known-queues.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import { NewDeviceLimit } from './new-device-limit.ts';
import type { SignOuts } from './sign-outs.ts';
import type { UserTurns } from './user-turns.ts';
import { WindowLimit } from './window-limit.ts';

/** A user takes 0.6 KB at worst, and a device that asks for new queues 0.2 KB. */
const OPENINGS = {
  max: LIMITS.sessionsMax,
  windowMs: LIMITS.sessionsWindowMs,
  keysMax: 50_000,
};
const RESYNCS = { max: LIMITS.resyncsMax, windowMs: LIMITS.resyncsWindowMs, keysMax: 50_000 };
type Deps = {
  known: KnownQueues;
  queues: DeviceQueues;
  holders: DeviceHolders;
  /** Tells all routers that the device opens a session, so that they offer it events again. */
  tellHeld: (device: Device) => void;
  signOuts: Pick<SignOuts, 'refuseOld'>;
  turns: UserTurns;
  epochs: Epochs;
  /** Tells whether the user was erased; false where that cannot be known now. */
  isErased: (userId: UserId) => Promise<boolean>;
  metrics: RouterMetrics;
};

/**
 * Opens sessions, one at a time for each user:
 *
 *     known, no resync → holding edge releases it → its device was told ──────────→ resumed
 *     known, not told  → release → delete ─┐
 *     known, resync    → release → delete ─┤
 *     known, void      → release → look ───┤ (if the queue exists after all: as known)
 *     not known        → not signed out → ≤ 20 new an hour → ≤ 10 queues, evict
 *                                       → create and mark → not signed out by now ─→ new
 *
 * A user who was erased has no queue, so store is asked of erasures only where a queue is new.
 * Edges know them too, and refuse them before, so a store that is away stops nobody.
 *
 * A device whose queue is void does not count as new, and as little as an opening of its user, who
 * asked for nothing. Each router counts on its own; the edges choose one router for each user.
 * The epoch of a session says when its opening began. Of two sessions of a device the one with the
 * higher epoch wins, so an opening that comes late takes the device from no newer session.
 */
export class Sessions {
  readonly #deps: Deps;
  readonly #newDevices = new NewDeviceLimit();
  readonly #openings = new WindowLimit(OPENINGS);
  readonly #resyncs = new WindowLimit(RESYNCS);

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get waiting(): number {
    return this.#deps.turns.waiting;
  }

  async open(request: SessionOpen, deadlineAt: number): Promise<SessionOpened> {
    const device = { userId: request.user_id, deviceId: request.device_id };
    if (!this.#admit(device, request)) {
      this.#deps.metrics.sessions.inc({ outcome: 'too_often' });
      throw new KahaError('RATE_LIMITED', 'Too many sessions or new queues within a minute');
    }
    const { epochs } = this.#deps;
    epochs.heard(request.epoch);
    const epoch = request.epoch ?? epochs.next();
    const opened = await this.#deps.turns.run(device.userId, async () => {
      checkDeadline(deadlineAt);
      return this.#open(device, { ...request, epoch, deadlineAt });
    });
    this.#deps.metrics.sessions.inc({ outcome: outcomeOf(opened) });
    if ('epoch' in opened) this.#deps.tellHeld(device);
    return opened;
  }

  /** Counts what a client asked for. It takes nothing from the session that has the device. */
  #admit(device: Device, { resync, is_void: isVoid }: SessionOpen): boolean {
    if (isVoid) return true;
    const nowMs = steadyMs();
    const key = queueName(device.userId, device.deviceId);
    if (resync && !this.#resyncs.admit(key, nowMs)) return false;
    return this.#openings.admit(device.userId, nowMs);
  }

  async #open(
    device: Device,
    options: Omit<SessionOpen, 'epoch'> & { epoch: number; deadlineAt: number },
  ): Promise<SessionOpened> {
    const { known, queues, holders, signOuts } = this.#deps;
    const { epoch, deadlineAt, issued_at: issuedAt = 0 } = options;
    const claim = { issuedAt, deadlineAt };
    if (known.has(device) && !(await holders.release(device, epoch))) return { is_older: true };
    if (options.is_void && known.has(device)) await queues.look(device);
    // Its queue may have been voided meanwhile.
    const mayResume = known.has(device) && !options.resync;
    if (mayResume && (await queues.isMarked(device))) return { resumed: true, epoch };
    if (known.has(device)) {
      await queues.delete(device, options.resync ? 'resync' : 'unmarked');
    } else {
      // A device that is refused here takes no place from another one of its user.
      await signOuts.refuseOld(device, claim);
      const isAdmitted = options.is_void || this.#newDevices.admit(device, steadyMs());
      if (!isAdmitted) return { too_many_devices: true };
      const hasRoom = await queues.makeRoom(device.userId, deadlineAt);
      if (!hasRoom) return { too_many_devices: true };
    }
    await queues.create(device, {
      checkDeadline: () => checkDeadline(deadlineAt),
      checkMade: () => this.#keepIfMeant(device, claim),
    });
    // An erasure that begins after this question finds the queue, and deletes it.
    if (await this.#deps.isErased(device.userId)) {
      await queues.delete(device, 'erased');
      return { is_erased: true };
    }
    return { resumed: false, epoch };
  }

  /** Another router may have signed the device out since. Then the new queue goes again. */
  async #keepIfMeant(device: Device, claim: Parameters<SignOuts['refuseOld']>[1]): Promise<void> {
    const { queues, signOuts } = this.#deps;
    try {
      await signOuts.refuseOld(device, claim);
    } catch (error) {
      await queues.delete(device, 'signed_out');
      throw error;
    }
  }
}

function checkDeadline(deadlineAt: number): void {
  if (steadyMs() >= deadlineAt) throw new KahaError('TIMEOUT', 'Too late to open a session');
}

function outcomeOf(opened: SessionOpened): string {
  if (opened.too_many_devices) return 'too_many_devices';
  if (opened.is_older) return 'older';
  if (opened.is_erased) return 'erased';
  return opened.resumed ? 'resumed' : 'new';
}
