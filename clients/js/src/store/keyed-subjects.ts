import { Subject } from '../events/observable.ts';

type KeyedSubjects<Value> = {
  of(key: string): Subject<Value>;
  /** All keys have the value that they began with. */
  clear(): void;
};

/** So many keys that nobody watches are kept. Then all of them are forgotten. */
const UNWATCHED_MAX = 2_000;

/** Keeps one observable for each key. It begins with the value `empty`. */
export function createKeyedSubjects<Value>(empty: Value): KeyedSubjects<Value> {
  const subjects = new Map<string, Subject<Value>>();
  return {
    of(key) {
      const subject = subjects.get(key) ?? new Subject(empty);
      if (subjects.size >= UNWATCHED_MAX) dropUnwatched(subjects);
      subjects.set(key, subject);
      return subject;
    },
    clear() {
      for (const subject of subjects.values()) subject.set(empty);
    },
  };
}

/** Lets go of what nobody watches. */
export function dropUnwatched(subjects: Map<string, { isWatched: boolean }>): void {
  for (const [key, { isWatched }] of subjects) if (!isWatched) subjects.delete(key);
}
