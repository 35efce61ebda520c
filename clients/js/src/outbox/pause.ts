import type { Platform } from '../platform/platform.ts';

type Pause = {
  isOn(): boolean;
  /** Begins anew, and ends after this time. */
  begin(ms: number): void;
  end(): void;
};

/** A pause ends by itself, or by `end`. Either way `onEnd` is called. */
export function createPause({ after }: Platform, onEnd: () => void): Pause {
  let prevent: (() => void) | undefined;
  const end = (): void => {
    prevent?.();
    prevent = undefined;
    onEnd();
  };
  return {
    isOn: () => prevent !== undefined,
    begin(ms) {
      prevent?.();
      prevent = after(ms, end);
    },
    end,
  };
}
