/** These are the parts of Web Locks, BroadcastChannel and IndexedDB that the client uses. */

export type Locks = {
  request(name: string, options: { steal?: boolean }, held: () => unknown): Promise<unknown>;
};

export type Channel = {
  postMessage(message: unknown): void;
  close(): void;
  onmessage: ((event: never) => unknown) | null;
};

type DatabaseRequest<Result> = {
  result: Result;
  error: unknown;
  onsuccess: (() => void) | null;
  onerror: (() => void) | null;
};
type OpenRequest = DatabaseRequest<Database> & { onupgradeneeded: (() => void) | null };
export type ObjectStore = {
  getAll(): DatabaseRequest<unknown[]>;
  getAllKeys(): DatabaseRequest<unknown[]>;
  put(value: unknown, key: string): unknown;
  delete(key: string): unknown;
};
type Transaction = {
  objectStore(name: string): ObjectStore;
  error: unknown;
  oncomplete: (() => void) | null;
  onabort: (() => void) | null;
};
export type Database = {
  createObjectStore(name: string): unknown;
  transaction(store: string, mode: 'readonly' | 'readwrite'): Transaction;
  close(): void;
  onversionchange: (() => void) | null;
  onclose: (() => void) | null;
};
export type DatabaseFactory = { open(name: string, version: number): OpenRequest };
