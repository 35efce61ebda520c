/**
 * Lets callers wait while there is no room for what they are about to add. Whoever makes room calls
 * `check`, and all who wait go on together.
 */
export class Room {
  readonly #hasRoom: () => boolean;
  #waiting: (() => void)[] = [];

  constructor(hasRoom: () => boolean) {
    this.#hasRoom = hasRoom;
  }

  /** Resolves once there is room. The result is undefined if there is room now. */
  wait(): Promise<void> | undefined {
    if (this.#hasRoom()) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  check(): void {
    if (this.#waiting.length === 0 || !this.#hasRoom()) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
