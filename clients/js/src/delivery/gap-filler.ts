import { backoffMs } from '../connection/backoff.ts';
import { ChatError } from '../errors.ts';
import { type Platform, pause } from '../platform/platform.ts';
import type { Asking } from '../requests/asking.ts';
import type { Gap, OrderInput } from '../timeline/order.ts';

type Deps = {
  asking: Asking;
  platform: Platform;
  gap: (conversationId: string) => Gap | undefined;
  take: (conversationId: string, input: OrderInput) => void;
};

type GapFiller = {
  /** A conversation has a gap. */
  note(conversationId: string): void;
  /** Resolves once no gap is left. */
  settled(): Promise<unknown>;
};

/** Messages that are only late come within this time, and history is not asked. */
const PATIENCE_MS = 150;
const PAGE = 200;
/** So many pages are asked for at once. */
const LANES = 4;

/** Fills gaps from history, page by page, until there is none. */
export function createGapFiller({ asking, platform, gap, take }: Deps): GapFiller {
  const fillings = new Map<string, Promise<void>>();
  /** A page waits for those before it in its lane. */
  const lanes: Promise<unknown>[] = Array(LANES).fill(Promise.resolve());
  let pages = 0;

  /** A conversation without history, or that the user has left, has nothing to wait for. */
  const fillPage = async (conversation_id: string): Promise<void> => {
    const missing = gap(conversation_id);
    if (!missing) return;
    const request = { conversation_id, after_seq: missing.afterSeq, limit: PAGE };
    const page = await asking.read('history', request).catch((thrown: unknown) => {
      const { isRetryable, code } = ChatError.from(thrown);
      if (isRetryable || code === 'CLOSED' || code === 'INTERNAL') throw thrown;
      return { messages: [], has_more: false };
    });
    const { messages } = page;
    const hasMore = page.has_more && messages.length > 0;
    take(conversation_id, { is: 'filled', gap: missing, messages, hasMore });
  };
  const fill = async (conversationId: string): Promise<void> => {
    await pause(platform, PATIENCE_MS);
    for (let attempts = 0; gap(conversationId); attempts += 1) {
      pages += 1;
      const lane = pages % LANES;
      const filling = (lanes[lane] as Promise<unknown>).then(() => fillPage(conversationId));
      lanes[lane] = filling.catch((error: unknown) => void error);
      try {
        await filling;
        attempts = -1;
      } catch (error) {
        // The next session begins again.
        if ((error as ChatError).code === 'CLOSED') break;
        await pause(platform, backoffMs(attempts, platform.random()));
      }
    }
    fillings.delete(conversationId);
  };
  return {
    note(conversationId) {
      if (!fillings.has(conversationId)) fillings.set(conversationId, fill(conversationId));
    },
    settled: () => Promise.all(fillings.values()),
  };
}
