/** A draft is what somebody has begun to write, and the message that it replies to. */
type DraftText = { text: string; replyTo?: string };

/** `localStorage` and `sessionStorage` are such stores. */
type KeyStore = {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
};

export type Drafts = {
  of(conversationId: string): DraftText;
  /** An empty draft is forgotten. */
  keep(conversationId: string, draft: DraftText): void;
};

const NOTHING: DraftText = { text: '' };
/** A longer text than this is kept for as long as the page is open, and not beyond. */
const KEPT_CHARACTERS_MAX = 20_000;
const OPEN_MAX = 200;

/**
 * Keeps the drafts of one user, one for each conversation. A store that is full or refuses costs
 * only what a reload would have brought back.
 */
export function createDrafts(store: KeyStore | undefined, userId: string): Drafts {
  const open = new Map<string, DraftText>();
  const keyOf = (conversationId: string): string => `draft:${userId}:${conversationId}`;
  return {
    of(conversationId) {
      const kept = open.get(conversationId);
      return kept ?? readDraft(attempt(() => store?.getItem(keyOf(conversationId))));
    },
    keep(conversationId, draft) {
      const key = keyOf(conversationId);
      const isEmpty = draft.text === '' && draft.replyTo === undefined;
      open.delete(conversationId);
      if (open.size >= OPEN_MAX)
        for (const first of open.keys()) {
          open.delete(first);
          break;
        }
      open.set(conversationId, draft);
      const isKept = !isEmpty && draft.text.length <= KEPT_CHARACTERS_MAX;
      if (isKept) attempt(() => store?.setItem(key, JSON.stringify(draft)));
      else attempt(() => store?.removeItem(key));
    },
  };
}

/** Reads a draft, and takes what another program wrote for none. */
function readDraft(kept: string | null | undefined): DraftText {
  const value = attempt(() => JSON.parse(kept ?? 'null') as Partial<DraftText> | null);
  if (typeof value?.text !== 'string') return NOTHING;
  const { text, replyTo } = value;
  return typeof replyTo === 'string' ? { text, replyTo } : { text };
}

function attempt<Value>(act: () => Value): Value | undefined {
  try {
    return act();
  } catch (error) {
    void error;
    return undefined;
  }
}
