import type { Request, WatchKey } from '../protocol/frames.ts';
import type { LineEvent } from './line.ts';

type Deps = {
  ask: (request: Request) => Promise<unknown>;
  /** An answer of the server tells how things stand. */
  onAnswer: (answer: LineEvent) => void;
};

type Watches = {
  /** A tab watches these, and nothing else any more. It is told how what is new to it stands. */
  set(tab: string, keys: readonly WatchKey[]): void;
  /** A session has begun, which watches nothing yet, or has ended. */
  setOnline(isOnline: boolean): void;
};

/** The contract allows so many ids in a frame, and so many watches on a socket. */
const IDS_MAX = 200;
const WATCHES_MAX = 1_000;

/**
 * Watches for all tabs what one of them shows. Beyond the bound of the contract the latest are not
 * watched. A frame that fails is not repeated before the next session: what it asked for is then
 * unknown, not wrong.
 */
export function createWatches({ ask, onAnswer }: Deps): Watches {
  const byTab = new Map<string, readonly WatchKey[]>();
  let watched = new Set<WatchKey>();
  let isOnline = false;

  const tell = async (verb: 'watch' | 'unwatch', keys: readonly WatchKey[]): Promise<void> => {
    for (const { type, ...ids } of framesOf(keys)) {
      const data = await ask({ type: `${type}_${verb}`, ...ids }).catch(() => ({}));
      const { presence = [], version, counts } = data as Told;
      for (const one of presence) onAnswer({ type: 'presence', ...one } as LineEvent);
      if (version) onAnswer({ type: 'inbox', ...ids, version, counts } as LineEvent);
    }
  };
  const update = (asked: readonly WatchKey[]): void => {
    if (!isOnline) return;
    const before = watched;
    watched = new Set([...new Set([...byTab.values()].flat())].slice(0, WATCHES_MAX));
    void tell(
      'unwatch',
      [...before].filter((key) => !watched.has(key)),
    );
    void tell(
      'watch',
      [...watched].filter((key) => !before.has(key) || asked.includes(key)),
    );
  };
  return {
    set(tab, keys) {
      const before = byTab.get(tab) ?? [];
      byTab.set(tab, keys);
      update(keys.filter((key) => !before.includes(key)));
    },
    setOnline(isNow) {
      isOnline = isNow;
      watched = new Set();
      update([]);
    },
  };
}

type Told = { presence?: object[]; version?: number; counts?: unknown };

function framesOf(keys: readonly WatchKey[]): Request[] {
  const frames: Request[] = [];
  const idsOf = (kind: string): string[] =>
    keys.filter((key) => key.startsWith(kind)).map((key) => key.slice(kind.length + 1));
  for (const kind of ['user', 'business']) {
    const ids = idsOf(kind);
    for (let at = 0; at < ids.length; at += IDS_MAX) {
      frames.push({ type: 'presence', [`${kind}_ids`]: ids.slice(at, at + IDS_MAX) });
    }
  }
  for (const business_id of idsOf('inbox')) frames.push({ type: 'inbox', business_id });
  return frames;
}
