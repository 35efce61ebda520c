import type { ChatApi, Conversation, Observable } from '../../../clients/js/src/index.ts';

/** A watched conversation is undefined until the server has told it. */
type Watched = Observable<Conversation | undefined> & {
  take(conversation: Conversation): void;
};

/**
 * Keeps a business conversation as it is now for staff who take no part in it. Those are told of
 * changes by the inbox alone, and of losing it by an event without the conversation. Whoever may
 * not see it any more keeps what was seen last. Without an id nothing is watched.
 */
export function watchConversation(chat: ChatApi, id: string | undefined): Watched {
  const watchers = new Set<() => void>();
  let known: Conversation | undefined;
  let ends: (() => void)[] = [];
  const take = (conversation: Conversation): void => {
    if (conversation.conversation_id !== id || conversation.version < (known?.version ?? 0)) return;
    known = conversation;
    for (const onChange of [...watchers]) onChange();
  };
  const read = (): void => {
    // A conversation that cannot be read now comes with the next event or session.
    if (id) void chat.getConversation(id).then(take, (error: unknown) => void error);
  };
  const start = (): void => {
    ends = [
      chat.on('conversation', ({ conversation }) => take(conversation)),
      chat.on('inbox', ({ conversation, conversation_id: lost }) => {
        if (conversation) take(conversation);
        else if (lost === id) read();
      }),
      chat.on('session', read),
    ];
    read();
  };
  return {
    get value() {
      return known;
    },
    take,
    subscribe(onChange) {
      // Two watchers may give the same function.
      const watcher = (): void => onChange();
      if (watchers.size === 0) start();
      watchers.add(watcher);
      return () => {
        watchers.delete(watcher);
        if (watchers.size > 0) return;
        for (const end of ends) end();
        ends = [];
      };
    },
  };
}
