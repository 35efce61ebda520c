import type { ChatApi } from './chat-api.ts';
import { ChatError } from './errors.ts';
import type { ChatOptions } from './options.ts';
import { createParts } from './parts.ts';
import { platformOf } from './platform/globals.ts';
import type { Platform } from './platform/platform.ts';

/** `ChatApi` says what a client can do. */
export const ChatClient = class {
  constructor(options: ChatOptions, surroundings: Partial<Platform> = {}) {
    const { WebSocket } = options;
    const platform = platformOf({ ...(WebSocket && { WebSocket }), ...surroundings });
    const url = (options.url ?? platform.origin ?? '').replace(/\/+$/, '');
    if (!url || !platform.WebSocket) {
      const lacking = url ? 'WebSocket' : 'url';
      throw new ChatError('INVALID_REQUEST', `options.${lacking} is missing`);
    }
    Object.assign(this, apiOf(createParts({ ...options, url }, platform)));
  }
} as unknown as new (
  options: ChatOptions,
  /** Tests replace parts of the browser or of Node by these. */
  surroundings?: Partial<Platform>,
) => ChatApi;
export type ChatClient = ChatApi;

type Parts = ReturnType<typeof createParts>;

function apiOf(parts: Parts): ChatApi {
  const { state, emitter, attachment, sends, asking, rest, watchers, platform, line } = parts;
  const { read: query, write: command } = asking;
  const path = (id: string, more = ''): string => `/conversations/${id}${more}`;
  const call = rest as (...args: Parameters<typeof rest>) => Promise<never>;
  return {
    ...{ state, outbox: sends, rest, query, command, platform },
    ...{ on: emitter.on, userId: parts.userId, watch: watchers.watch, follow: parts.follow },
    connect: () => connect(parts),
    deviceId: attachment.deviceId,
    disconnect: attachment.stop,
    async logout() {
      const id = await attachment.deviceId();
      if (id) await rest('DELETE', `/devices/${id}`).catch((error: unknown) => void error);
      await attachment.logout();
      parts.forget();
    },
    send: sends.send,
    read: (conversation_id, seq) => query('read', { conversation_id, seq }),
    setTyping: (conversation_id, is_typing) =>
      line()?.tell({ type: 'typing', conversation_id, is_typing }),
    edit: (message_id, content) => command('edit', { message_id, content }),
    delete: (message_id) => command('delete', { message_id }),
    react: (message_id, emoji, remove = false) => command('react', { message_id, emoji, remove }),
    history: (request) => query('history', request),
    search: (request) => query('search', request),
    listConversations: (request = {}) => query('conversations', request),
    getConversation: (id) => asking.retried(() => call('GET', path(id))),
    createConversation: (conversation) => command('create_conversation', { conversation }),
    updateConversation: (id, changes) => call('PATCH', path(id), changes),
    addParticipants: (id, user_ids, share_history = false) =>
      call('POST', path(id, '/participants'), { user_ids, share_history }),
    removeParticipant: (id, userId) => call('DELETE', path(id, `/participants/${userId}`)),
    mute: (id, until) => call('PUT', path(id, '/mute'), { until }),
    unmute: (id) => call('DELETE', path(id, '/mute')),
    archive: (id) => call('DELETE', path(id)),
  };
}

function connect({ state, attachment }: Parts): Promise<void> {
  attachment.start();
  const connected = new Promise<void>((resolve, reject) => {
    const look = (): void => {
      const { status, code, reason } = state.value;
      if (status === 'connecting') return;
      unsubscribe();
      if (status === 'connected') resolve();
      else reject(new ChatError('CLOSED', [status, code, reason].join(' ')));
    };
    const unsubscribe = state.subscribe(look);
    look();
  });
  // An application may look at the state alone.
  connected.catch((error: unknown) => void error);
  return connected;
}
