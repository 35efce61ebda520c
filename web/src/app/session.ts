import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Businesses } from '../../../clients/js/src/business/index.ts';
import type { ChatClient } from '../../../clients/js/src/client.ts';
import type { ChatStore } from '../../../clients/js/src/store/index.ts';
import type { Directory } from './directory.ts';
import type { WorksFor } from './identity.ts';
import type { NetworkSwitch } from './network-switch.ts';

/** One person chats in this window, until they leave. */
export type Session = {
  chat: ChatClient;
  store: ChatStore;
  businesses: Businesses;
  userId: string;
  /** Returns the name of a person or a business, if anything here has told it. */
  nameOf(userId: string): string | undefined;
  worksFor: readonly WorksFor[];
  /** The people and businesses that one can write to without having met them. */
  directory: Directory;
  network: NetworkSwitch;
  /** Ends the session and asks again who the user is. */
  leave(): void;
};

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === undefined) throw new Error('This part is drawn only inside a session');
  return session;
}
