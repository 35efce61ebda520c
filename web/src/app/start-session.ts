import { Businesses } from '../../../clients/js/src/business/index.ts';
import { ChatClient } from '../../../clients/js/src/client.ts';
import { ChatStore } from '../../../clients/js/src/store/index.ts';
import { type Directory, fetchToken } from './directory.ts';
import type { Identity } from './identity.ts';
import { createNetworkSwitch } from './network-switch.ts';
import type { Session } from './session.ts';
import type { PageSettings } from './settings.ts';

type Start = {
  identity: Identity;
  settings: PageSettings;
  directory: Directory;
  onLeave: () => void;
};

/** Starts to chat as somebody. Device, outbox and tabs are those of this user alone. */
export function startSession({ identity, settings, directory, onLeave }: Start): Session {
  const { user_id: userId, works_for: worksFor, token } = identity;
  const { url, login_url: loginUrl } = settings;
  const { WebSocket, fetch, ...network } = createNetworkSwitch(userId);
  const getToken = (): string | Promise<string> => token ?? fetchToken(loginUrl as string, userId);
  const chat = new ChatClient({ ...(url && { url }), getToken, userId }, { WebSocket, fetch });
  const store = new ChatStore(chat);
  const names = new Map([
    ...directory.people.map(({ user_id, name }) => [user_id, name] as const),
    ...directory.businesses.map(({ business_id, name }) => [business_id, name] as const),
  ]);
  names.set(userId, identity.name);
  void chat.connect();
  return {
    ...{ chat, store, userId, worksFor, directory, network },
    businesses: new Businesses(chat),
    nameOf: (id) => names.get(id) ?? namedBy(store, id),
    leave() {
      chat.disconnect();
      onLeave();
    },
  };
}

/** Conversations name those who take part in them. */
function namedBy(store: ChatStore, id: string): string | undefined {
  for (const { participants } of store.conversations.value.conversations) {
    const found = participants.find(({ user_id: userId }) => userId === id);
    if (found) return found.name;
  }
  return undefined;
}
