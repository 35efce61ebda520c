/** A push is noted as its device has it: decrypted, and under the key that replaces older ones. */
type NotedPush = {
  provider: 'apns' | 'fcm' | 'webpush';
  /** The device is named by its token, or by the id of the subscription. */
  device: string;
  /** A person sees the last push of a key on each device. A silent push has no key. */
  key?: string;
  push: Record<string, unknown>;
  headers: Record<string, string>;
  at: string;
};

const PUSHES_MAX = 20_000;

/** Keeps the last 20 000 pushes that devices got. */
export class PushLog {
  #pushes: NotedPush[] = [];

  note(push: Omit<NotedPush, 'at'>): void {
    if (this.#pushes.length >= PUSHES_MAX) this.#pushes.splice(0, PUSHES_MAX / 10);
    this.#pushes.push({ ...push, at: new Date().toISOString() });
  }

  of(device?: string): NotedPush[] {
    if (device === undefined) return [...this.#pushes];
    return this.#pushes.filter((push) => push.device === device);
  }

  clear(): void {
    this.#pushes = [];
  }
}
