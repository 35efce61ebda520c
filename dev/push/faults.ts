import { setTimeout as delay } from 'node:timers/promises';

/** These are the ways in which a provider refuses a push, each in its own words. */
export type Refusal = 'gone' | 'limited' | 'error' | 'unavailable' | 'too_large' | 'refused';

/** An exchange is one push that came, and what the stand-in may do with it. */
export type Exchange = {
  /** Notes the push as one that the device gets. */
  take(): void;
  answer(): void;
  refuse(refusal: Refusal, control: Control): void;
  /** Resets the connection, and with it all that is under way on it. */
  cut(): void;
  /** Lets the connection fall silent, and with it all that is under way on it. */
  freeze(): void;
};

export type Control = {
  mode: Mode;
  /** The first `after` pushes are answered well before the mode begins. */
  after: number;
  /** The mode is over after so many pushes. If it is null, it stays. */
  calls: number | null;
  delay_ms: number;
  retry_after_s: number;
  /** A registration is gone since this time, in milliseconds since 1970. Null means since now. */
  since_ms: number | null;
};

type Act = (exchange: Exchange, control: Control) => unknown;

/** The table has every way in which a push can go wrong, by its name in `POST /_control`. */
const FAULTS = {
  ok: (exchange) => takeWell(exchange),
  /** Takes the push after `delay_ms` (10 s), and answers well then. */
  slow: async (exchange, { delay_ms: delayMs }) => {
    await delay(delayMs);
    takeWell(exchange);
  },
  /** Neither takes nor answers, and keeps the connection. */
  hang: () => undefined,
  /** Lets the connection fall silent: nothing comes any more, not even an answer to a PING. */
  freeze: (exchange) => exchange.freeze(),
  /** Resets the connection without taking the push. */
  reset: (exchange) => exchange.cut(),
  /** Takes the push and resets the connection, so that nobody learns of it. */
  lost: (exchange) => {
    exchange.take();
    exchange.cut();
  },
  /** APNs ends the connection with GOAWAY before this push. Others close it. */
  goaway: (exchange) => exchange.cut(),
  /** Shows a certificate that is not for this host. Pushes that come all the same are taken. */
  certificate: (exchange) => takeWell(exchange),
  gone: (exchange, control) => exchange.refuse('gone', control),
  limited: (exchange, control) => exchange.refuse('limited', control),
  error: (exchange, control) => exchange.refuse('error', control),
  unavailable: (exchange, control) => exchange.refuse('unavailable', control),
  too_large: (exchange, control) => exchange.refuse('too_large', control),
  /** Refuses who we are: a token, a key or a sender that is not the right one. */
  refused: (exchange, control) => exchange.refuse('refused', control),
} as const satisfies Record<string, Act>;

type Mode = keyof typeof FAULTS;

const OK: Control = {
  ...{ mode: 'ok', after: 0, calls: null, delay_ms: 10_000, retry_after_s: 1, since_ms: null },
};

/** Says how each push that comes is answered. */
export class FaultSwitch {
  #control: Control = { ...OK };

  get control(): Readonly<Control> {
    return this.#control;
  }

  /** Changes what follows. Throws what is wrong with the change. */
  set(change: Record<string, unknown>): void {
    const control = { ...OK, ...change } as Control;
    if (!Object.hasOwn(FAULTS, control.mode)) {
      throw new Error(`mode is one of ${Object.keys(FAULTS).join(', ')}`);
    }
    const { after, calls, delay_ms, retry_after_s, since_ms } = control;
    for (const count of [after, calls ?? 0, delay_ms, retry_after_s, since_ms ?? 0]) {
      if (!Number.isInteger(count) || count < 0)
        throw new Error('numbers are whole and not negative');
    }
    this.#control = control;
  }

  /** Returns how the push that has just come is answered. */
  next(): Control {
    const control = { ...this.#control };
    if (control.after > 0) {
      this.#control.after -= 1;
      return { ...control, mode: 'ok' };
    }
    if (control.calls !== null) {
      this.#control.calls = control.calls - 1;
      if (this.#control.calls <= 0) this.#control = { ...OK };
    }
    return control;
  }
}

function takeWell(exchange: Exchange): void {
  exchange.take();
  exchange.answer();
}

/** Does with a push what the control says. */
export function act(exchange: Exchange, control: Control): void {
  void (FAULTS[control.mode] as Act)(exchange, control);
}
