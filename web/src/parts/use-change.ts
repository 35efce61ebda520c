import { useState } from 'preact/hooks';
import { sayError } from './errors.ts';

type Changing = {
  /** Makes a change. The result says whether it was made. */
  change: (make: () => Promise<unknown>) => Promise<boolean>;
  isBusy: boolean;
  /** The last change failed for this reason. */
  problem: string | undefined;
};

/** Makes one change at a time, and says why one failed. */
export function useChange(): Changing {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const change = async (make: () => Promise<unknown>): Promise<boolean> => {
    if (isBusy) return false;
    setBusy(true);
    setProblem(undefined);
    try {
      await make();
      return true;
    } catch (error) {
      setProblem(sayError(error));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { change, isBusy, problem };
}
