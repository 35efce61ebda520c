import { ChatError } from '../errors.ts';
import { type Platform, within } from '../platform/platform.ts';
import type { ChatStorage } from './storage.ts';

/** A storage that takes longer is taken for broken. A blocked database may never answer. */
const ANSWER_MS = 2_000;

/**
 * Makes a storage that never rejects and never hangs. A write that fails is lost with the page, and
 * the next one is tried all the same, because a full storage may get room again. A storage that
 * hangs is not asked again. The first failure is told.
 */
export function safeStorage(
  storage: ChatStorage,
  platform: Platform,
  onFailure: (error: unknown) => void,
): ChatStorage {
  let failure: ChatError | undefined;
  const attempt = async <Result>(run: () => Promise<Result>, otherwise: Result) => {
    if (failure?.code === 'TIMEOUT') return otherwise;
    try {
      return await within(platform, ANSWER_MS, run());
    } catch (error) {
      if (!failure) onFailure(error);
      failure = ChatError.from(error);
      return otherwise;
    }
  };
  return {
    entries: (prefix) => attempt(() => storage.entries(prefix), []),
    set: (key, value) => attempt(() => storage.set(key, value), undefined),
    delete: (key) => attempt(() => storage.delete(key), undefined),
  };
}
