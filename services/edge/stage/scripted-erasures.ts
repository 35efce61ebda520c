import { randomBytes } from 'node:crypto';
import type { ErasedList, ErasedPage } from '../../../shared/contracts/jobs/erasures.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { erasedHash } from '../../../shared/erased-hash.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { Bus } from '../../../shared/nats/bus.ts';

/** Tells edges who was erased, as store does. */
export class ScriptedErasures {
  /** These users were erased, in this order. */
  readonly users: UserId[] = [];
  /** A store that is away tells nobody. */
  isStoreAway = false;
  readonly #secret = randomBytes(32);

  /** Resolves once edges can ask. */
  async serve(bus: Bus): Promise<void> {
    const options = { subject: subjects.store('users.erased'), concurrencyMax: 99 };
    bus.serve(options, (body) => this.#page(body as ErasedList));
    await bus.nc.flush();
  }

  #page({ after }: ErasedList): ErasedPage {
    if (this.isStoreAway) throw new KahaError('DATABASE_UNAVAILABLE', 'Postgres is away');
    const hashes = this.users.slice(after).map((one) => erasedHash(this.#secret, one));
    return {
      secret: this.#secret.toString('base64'),
      hashes: hashes.map((hash) => hash.toString('base64')),
      last: this.users.length,
      has_more: false,
    };
  }
}
