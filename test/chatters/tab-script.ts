import { createElement, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ChatClient, type ChatOptions } from '../../clients/js/src/index.ts';
import { useChat, useConnection } from '../../clients/js/src/react/index.ts';

type Tab = {
  readonly told: string[];
  readonly degraded: string[];
  readonly errors: string[];
  /** The state when it changed, and the time. */
  readonly states: { status: string; at: number }[];
  status(): string;
  unsent(): string[];
  send(conversationId: string, content: string): void;
  logout(): Promise<void>;
};

type Start = Pick<ChatOptions, 'userId'> & {
  token: string;
  /** React mounts the client in its strict mode, and so twice. */
  isStrict?: boolean;
};

/** Tests call these in a browser. */
declare global {
  var tab: Tab;
  var start: (options: Start) => void;
}

globalThis.start = ({ token, userId, isStrict = false }) => {
  const chat = new ChatClient({ getToken: () => token, ...(userId && { userId }) });
  const tab: Tab = {
    ...{ told: [], degraded: [], errors: [], states: [] },
    status: () => chat.state.value.status,
    unsent: () => chat.outbox.list().map(({ content = '' }) => content),
    send: (conversation_id, content) => void chat.send({ conversation_id, content }),
    logout: () => chat.logout(),
  };
  globalThis.tab = tab;
  chat.on('message', ({ content = '' }) => tab.told.push(content));
  chat.on('degraded', ({ what }) => tab.degraded.push(what));
  chat.on('error', (error) => tab.errors.push(String(error)));
  chat.on('state', ({ status }) => tab.states.push({ status, at: Date.now() }));
  if (isStrict) mount(chat);
  else void chat.connect();
};

function mount(chat: ChatClient): void {
  const { document } = globalThis as unknown as { document: { body: unknown } };
  createRoot(document.body).render(createElement(StrictMode, null, createElement(Shown, { chat })));
}

function Shown({ chat }: { chat: ChatClient }): string {
  return useConnection(useChat(() => chat)).status;
}
