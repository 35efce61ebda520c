import type { Platform } from '../platform/platform.ts';

type Deps = {
  platform: Platform;
  /** Asks the leader to answer. */
  hello: () => void;
  /** The leader does not answer. */
  onSilence: () => void;
};

type LeaderCheck = {
  /** Asks now, and goes on asking while the page is visible. */
  hello(): void;
  answered(): void;
  end(): void;
};

/** A visible tab asks so often whether the leader is alive, and so keeps its timers going. */
const HELLO_MS = 10_000;
/** A leader that takes longer is frozen. */
const ANSWER_MS = 4_000;

/** Asks the leader again and again whether it is alive, and begins with that at once. */
export function createLeaderCheck({ platform, onSilence, ...deps }: Deps): LeaderCheck {
  let endWaiting: (() => void) | undefined;
  let endPause = (): void => undefined;
  const answered = (): void => {
    endWaiting?.();
    endWaiting = undefined;
  };
  const hello = (): void => {
    endPause();
    endPause = platform.after(HELLO_MS, () => platform.isVisible() && hello());
    endWaiting ??= platform.after(ANSWER_MS, () => {
      answered();
      onSilence();
    });
    deps.hello();
  };
  hello();
  return {
    hello,
    answered,
    end() {
      answered();
      endPause();
    },
  };
}
