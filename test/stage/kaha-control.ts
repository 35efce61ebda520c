import type { AskedCounts } from '../../dev/kaha/asked.ts';
import type { System } from './stack.ts';

/** A test uses this to control and to question the kaha-main-v3 stand-in of a running system. */
export class KahaControl {
  readonly #system: System;

  constructor(system: System) {
    this.#system = system;
  }

  /** Gives each id its name. No name may ever appear in a log. */
  async name(names: ReadonlyMap<string, string>): Promise<void> {
    const users = [...names].map(([id, name]) => {
      this.#system.canaries.add(name);
      return { id, name, avatar_url: `https://example.com/${id}.png`, user_type: 'customer' };
    });
    await this.#post('/_dev/users', { users });
  }

  /** Gives each business its name. */
  async nameBusinesses(names: ReadonlyMap<string, string>): Promise<void> {
    const businesses = [...names].map(([id, name]) => {
      this.#system.canaries.add(name);
      return { id, name, avatar_url: `https://example.com/${id}.png`, is_online: true };
    });
    await this.#post('/_dev/users', { businesses });
  }

  set(control: { mode?: string; delay_ms?: number; calls?: number; reset?: true }): Promise<void> {
    return this.#post('/_control', control);
  }

  updated(userId: string, via?: 'webhook'): Promise<void> {
    return this.#post('/_dev/profile-updated', { user_id: userId, ...(via && { via }) });
  }

  businessUpdated(businessId: string): Promise<void> {
    return this.#post('/_dev/profile-updated', { business_id: businessId });
  }

  async asked(): Promise<AskedCounts> {
    const response = await fetch(`${this.#system.stack.urls.kaha}/_control`);
    return (await response.json()) as AskedCounts;
  }

  /** Resolves with a counter or gauge of the profiles service, summed over its labels. */
  async metric(name: string): Promise<number> {
    const profiles = this.#system.stack.processes.find((one) => one.name === 'profiles');
    const text = await (await fetch(`http://127.0.0.1:${profiles?.admin_port}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  async #post(path: string, body: unknown): Promise<void> {
    const url = `${this.#system.stack.urls.kaha}${path}`;
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  }
}
