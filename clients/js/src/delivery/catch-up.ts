import type { ChatError } from '../errors.ts';
import { type Platform, pause, within } from '../platform/platform.ts';
import type { Conversation } from '../protocol/shapes.ts';
import type { Asking } from '../requests/asking.ts';

type Deps = {
  asking: Asking;
  platform: Platform;
  /** These conversations must be found in the list. */
  followed: readonly string[];
  follow: (conversationId: string, lastSeq: number) => void;
  /** Resolves once the gaps that the list has shown are filled. */
  filled: () => Promise<unknown>;
};

const PAGE = 200;
const PAGES_MAX = 25;
/** The server gives a client 60 s to acknowledge what it was sent. */
const CATCH_UP_MS = 30_000;

/**
 * Reads what the client may have missed: where each conversation stands, and then the messages that
 * it lacks. Resolves with the conversations. It never rejects, and ends after 30 s at most. The
 * reading goes on behind it until it has succeeded, so what is not here by then comes later. A
 * catch-up that the connection cuts short is repeated, because the server tells the next session
 * again.
 */
export async function catchUp(deps: Deps): Promise<Conversation[]> {
  const found: Conversation[] = [];
  const reading = readAll(deps, found);
  await within(deps.platform, CATCH_UP_MS, reading).catch((error: unknown) => void error);
  return found;
}

/** The server tells a session once, so it is asked until it answers or the client ends. */
function readAll(deps: Deps, found: Conversation[]): Promise<unknown> {
  return readList(deps, found).then(deps.filled, async (error: ChatError) => {
    if (error.isRetryable) {
      await pause(deps.platform, CATCH_UP_MS);
      await readAll(deps, found);
    }
  });
}

/** Conversations with news come first, and the list ends once all that are followed were there. */
async function readList({ asking, followed, follow }: Deps, found: Conversation[]) {
  const missing = new Set(followed);
  let request: { limit: number; cursor?: string } = { limit: PAGE };
  for (let page = 0; page < PAGES_MAX && missing.size > 0; page += 1) {
    const { conversations, next_cursor: cursor } = await asking.read('conversations', request);
    found.push(...conversations);
    for (const { conversation_id: id, last_seq: lastSeq } of conversations) {
      missing.delete(id);
      follow(id, lastSeq);
    }
    if (cursor === null) return;
    request = { limit: PAGE, cursor };
  }
}
