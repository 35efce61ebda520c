import type { Boot } from '../../../shared/process/boot.ts';
import type { TokenVerifier } from './token-verifier.ts';

/**
 * The edge loads the keys this often, so it knows within 35 s of a key that its server has
 * withdrawn: one answer lacks the key, and another one confirms it.
 */
const LOAD_MS = 15_000;
/** The edge asks again so soon where the key server gave no keys. */
const RETRY_MS = 5_000;

/** Loads the keys for tokens now, which takes 2 s at most, and at intervals. */
export async function keepKeys(
  verifier: TokenVerifier,
  { closers, logger, metrics }: Boot,
): Promise<void> {
  const count = (): number => verifier.keyCount;
  metrics.gauge('kaha_edge_token_keys', 'Keys by which tokens are judged', count);
  const age = (): number => verifier.keysAgeS;
  metrics.gauge('kaha_edge_token_keys_age_seconds', 'Since the key server gave its keys', age);
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const load = async (): Promise<void> => {
    let nextMs = LOAD_MS;
    try {
      await verifier.loadKeys();
    } catch (error) {
      logger.warn({ err: error }, 'the key server gave no keys');
      nextMs = RETRY_MS;
    }
    if (!isClosed) timer = setTimeout(() => void load(), nextMs);
  };
  closers.push('keys', () => {
    isClosed = true;
    clearTimeout(timer);
  });
  await load();
}
