import { useEffect, useState } from 'preact/hooks';
import type { ChatApi } from '../../../../clients/js/src/chat-api.ts';
import { ChatError } from '../../../../clients/js/src/errors.ts';

/** The user types on meanwhile. The server takes two searches a second. */
const TYPED_MS = 400;

/** A server without one of these searches is asked once, and not again by this client. */
const lacking = new WeakMap<ChatApi, Set<string>>();

type Search<Result> = { name: string; run: (chat: ChatApi, words: string) => Promise<Result> };
type Answer<Result> = { words: string; result?: Result; error?: ChatError };

/**
 * Looks for words, once the user has stopped typing. The result is undefined until it is there, and
 * stays so if the server does not have this search.
 */
export function useSearch<Result>(
  chat: ChatApi,
  { name, run }: Search<Result>,
  words: string,
): Omit<Answer<Result>, 'words'> {
  const [answer, setAnswer] = useState<Answer<Result>>();
  useEffect(() => {
    let isOver = false;
    const look = async (): Promise<void> => {
      try {
        const result = await run(chat, words);
        if (!isOver) setAnswer({ words, result });
      } catch (thrown) {
        const error = ChatError.from(thrown);
        if (isMissing(error)) noteLacking(chat, name);
        else if (!isOver) setAnswer({ words, error });
      }
    };
    if (lacking.get(chat)?.has(name)) return;
    const timer = setTimeout(() => void look(), TYPED_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [chat, name, run, words]);
  return answer?.words === words ? answer : {};
}

/** A server answers so if it does not know the request, or a field of it. */
function isMissing({ code }: ChatError): boolean {
  return code === 'NOT_FOUND' || code === 'INVALID_REQUEST';
}

function noteLacking(chat: ChatApi, name: string): void {
  const names = lacking.get(chat) ?? new Set();
  lacking.set(chat, names.add(name));
}
