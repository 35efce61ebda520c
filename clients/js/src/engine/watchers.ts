import type { WatchKey } from '../protocol/frames.ts';

type Watchers = {
  /** Watches until the returned function is called. */
  watch(key: WatchKey): () => void;
  /** Tells the line what is watched. */
  tell(): void;
};

/** Counts who watches what. The changes of one turn go to the line together. */
export function createWatchers(onWatch: (keys: readonly WatchKey[]) => void): Watchers {
  const counts = new Map<WatchKey, number>();
  let isTelling = false;

  const tell = (): void => onWatch([...counts.keys()]);
  const count = async (key: WatchKey, by: number): Promise<void> => {
    const total = (counts.get(key) ?? 0) + by;
    if (total) counts.set(key, total);
    else counts.delete(key);
    if (isTelling) return;
    isTelling = true;
    await undefined;
    isTelling = false;
    tell();
  };
  return {
    watch(key) {
      let by = -1;
      void count(key, 1);
      return () => {
        void count(key, by);
        by = 0;
      };
    },
    tell,
  };
}
