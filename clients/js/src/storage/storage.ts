/**
 * The client keeps unsent messages and the id of the device in a storage. The values are made of
 * plain objects, arrays, strings, numbers and booleans. All methods may reject; the client goes on
 * in memory then, and tells so.
 */
export type ChatStorage = {
  /** Resolves with all entries whose keys begin so, in any order. */
  entries(prefix: string): Promise<readonly (readonly [key: string, value: unknown])[]>;
  /** Resolves once the value will outlive the page or the process. */
  set(key: string, value: unknown): Promise<void>;
  delete(key: string): Promise<void>;
};

/** Returns a storage that ends with the page or the process. */
export function memoryStorage(): ChatStorage {
  const values = new Map<string, unknown>();
  return {
    entries: async (prefix) => [...values].filter(([key]) => key.startsWith(prefix)),
    set: async (key, value) => void values.set(key, value),
    delete: async (key) => void values.delete(key),
  };
}
