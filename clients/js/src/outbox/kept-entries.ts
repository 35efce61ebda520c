import type { OutboxChange } from '../engine/line.ts';
import type { ChatStorage } from '../storage/storage.ts';
import { type Entry, readEntry, sizeOf } from './entry.ts';

type Deps = {
  /** A storage that never rejects. */
  storage: ChatStorage;
  /** The keys of the entries begin so. */
  prefix: string;
  onChange: (change: OutboxChange) => void;
};

export type KeptEntries = {
  /** The entries stand by their places. */
  list(): readonly Entry[];
  find(clientMsgId: string): Entry | undefined;
  /** Tells whether there is room for one more. */
  hasRoom(entry: Entry): boolean;
  /** Reads what an earlier page has left, and puts it before what has come meanwhile. */
  load(): Promise<void>;
  /** Puts an entry at the end, or in the place of the one with its id that has a place. */
  put(entry: Entry, change: OutboxChange['change']): Promise<void>;
  /** Removes an entry that is here. */
  remove(change: OutboxChange): Promise<void>;
};

const ENTRIES_MAX = 1_000;
const BYTES_MAX = 4 * 1024 * 1024;

/** Keeps the entries of an outbox in order, here and in the storage, and tells of each change. */
export function createKeptEntries({ storage, prefix, onChange }: Deps): KeptEntries {
  let entries: readonly Entry[] = [];
  let bytes = 0;

  const find = (id: string): Entry | undefined =>
    entries.find(({ client_msg_id: other }) => other === id);
  const take = (id: string): void => {
    const known = find(id);
    entries = entries.filter((entry) => entry !== known);
    bytes -= known ? sizeOf(known) : 0;
  };
  const show = (entry: Entry, change: OutboxChange['change']): void => {
    take(entry.client_msg_id);
    entries = [...entries, entry].sort(byPlace);
    bytes += sizeOf(entry);
    onChange({ change, entry });
  };
  const put: KeptEntries['put'] = async (entry, change) => {
    const id = entry.client_msg_id;
    const placed = { ...entry, place: entry.place || (entries.at(-1)?.place ?? 0) + 1 };
    show(placed, change);
    await storage.set(prefix + id, placed);
    // It was discarded while it was written.
    if (!find(id)) await storage.delete(prefix + id);
  };
  return {
    list: () => entries,
    find,
    hasRoom: (entry) => entries.length < ENTRIES_MAX && bytes + sizeOf(entry) <= BYTES_MAX,
    async load() {
      const stored = await storage.entries(prefix);
      const early = entries;
      const left = stored.map(([, value]) => readEntry(value)).filter((entry) => !!entry);
      for (const entry of left.sort(byPlace)) {
        if (!find(entry.client_msg_id)) show(entry, entry.error ? 'failed' : 'added');
      }
      await Promise.all(early.map((entry) => put({ ...entry, place: 0 }, 'added')));
    },
    put,
    async remove(change) {
      const id = change.entry.client_msg_id;
      if (!find(id)) return;
      take(id);
      onChange(change);
      await storage.delete(prefix + id);
    },
  };
}

function byPlace(one: Entry, other: Entry): number {
  return one.place - other.place;
}
