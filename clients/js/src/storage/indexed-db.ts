import type { Database, DatabaseFactory, ObjectStore } from '../platform/browser-types.ts';
import type { ChatStorage } from './storage.ts';

const NAME = 'kaha-chat';
const STORE = 'entries';
const VERSION = 1;

/** Keeps entries in one store of IndexedDB. A write resolves once its transaction is complete. */
export function indexedDbStorage(factory: DatabaseFactory): ChatStorage {
  let opening: Promise<Database> | undefined;
  const forget = (): void => {
    opening = undefined;
  };
  /** A transaction that aborts rejects with its error, for example because the disk is full. */
  const run = async <Result>(
    mode: 'readonly' | 'readwrite',
    ask: (store: ObjectStore) => Result,
  ): Promise<Result> => {
    opening ??= open(factory, forget);
    opening.catch(forget);
    const transaction = (await opening).transaction(STORE, mode);
    return await new Promise((resolve, reject) => {
      const asked = ask(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(asked);
      transaction.onabort = () => reject(transaction.error ?? new Error('aborted'));
    });
  };
  return {
    async entries(prefix) {
      const [keys, values] = await run('readonly', (s) => [s.getAllKeys(), s.getAll()] as const);
      return keys.result
        .map((key, index) => [String(key), values.result[index]] as const)
        .filter(([key]) => key.startsWith(prefix));
    },
    async set(key, value) {
      await run('readwrite', (store) => store.put(value, key));
    },
    async delete(key) {
      await run('readwrite', (store) => store.delete(key));
    },
  };
}

function open(factory: DatabaseFactory, onEnd: () => void): Promise<Database> {
  return new Promise((resolve, reject) => {
    const request = factory.open(NAME, VERSION);
    request.onupgradeneeded = () => void request.result.createObjectStore(STORE);
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const database = request.result;
      database.onclose = onEnd;
      // Another tab wants to change or delete the database, and waits for this one.
      database.onversionchange = () => {
        onEnd();
        database.close();
      };
      resolve(database);
    };
  });
}
