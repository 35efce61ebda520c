import { backoffMs } from '../connection/backoff.ts';
import { readClaims } from '../connection/token-claims.ts';
import type { Tokens } from '../connection/tokens.ts';
import type { Line, LineEvent } from '../engine/line.ts';
import type { Entry } from '../outbox/entry.ts';
import { type Platform, pause } from '../platform/platform.ts';
import { safeStorage } from '../storage/safe-storage.ts';
import type { ChatStorage } from '../storage/storage.ts';
import type { Ticket } from '../timeline/order.ts';
import { createSharedLine, type SharedLine } from './shared-line.ts';
import type { ConnectionState } from './tab-message.ts';

type Deps = {
  url: string;
  tokens: Tokens;
  platform: Platform;
  userId: string | undefined;
  /** Where this is undefined, an id is made up, and kept in the storage. */
  deviceId: string | undefined;
  storage: ChatStorage;
  /** The page lacks this, and goes on without. */
  lacks?: 'storage' | 'tabs';
  onUser: (userId: string | undefined) => void;
  onEvent: (event: LineEvent, ticket?: Ticket) => void;
  onState: (state: ConnectionState) => void;
  onMissed: () => void;
  onLogout: () => void;
  onDegraded: (what: 'storage' | 'tabs', error: unknown) => void;
  /** The messages that this tab knows to be unsent. */
  unsent: () => readonly Entry[];
};

type Attachment = {
  line(): Line | undefined;
  done(ticket: Ticket): void;
  /** Attaches this tab to the server, or makes the line connect again. */
  start(): void;
  /** Leaves the other tabs to themselves. */
  stop(): void;
  /** All tabs of the user stop, and what the storage has of the user goes. */
  logout(): Promise<void>;
  /** Resolves with the id of this device, unless it has none yet. */
  deviceId(): Promise<string | undefined>;
};

/** Attaches a tab to the server for the user whom the token names. */
export function createAttachment(deps: Deps): Attachment {
  const { url, platform, onState, onDegraded } = deps;
  const storage = safeStorage(deps.storage, platform, (error) => onDegraded('storage', error));
  let prefix = '';
  let shared: SharedLine | undefined;
  /** These end what was begun. */
  let ends: (() => void)[] | undefined;

  const line = (): Line | undefined => shared?.line();
  const deviceId = async (): Promise<string | undefined> => {
    if (deps.deviceId) return deps.deviceId;
    const [stored] = await storage.entries(`${prefix}device`);
    return stored && String(stored[1]);
  };
  const newDevice = async (): Promise<string> => {
    const id = platform.uuid();
    await storage.set(`${prefix}device`, id);
    return id;
  };
  const join = async (isOver: () => boolean): Promise<void> => {
    const userId = deps.userId ?? (await askUser(deps, isOver));
    if (isOver()) return;
    deps.onUser(userId);
    prefix = `kaha-chat ${url} ${userId} `;
    const device = async (): Promise<string> => (await deviceId()) ?? (await newDevice());
    const onLogout = (): void => {
      stop();
      deps.onLogout();
    };
    shared = createSharedLine({ ...deps, userId, prefix, storage, onLogout, deviceId: device });
  };
  const stop = (): void => {
    for (const end of ends ?? []) end();
    ends = undefined;
    shared?.end();
    shared = undefined;
    onState({ status: 'disconnected' });
  };
  return {
    line,
    done: (ticket) => shared?.done(ticket),
    start() {
      if (ends) return line()?.take({ is: 'connect' });
      const own = [
        platform.onWake(() => line()?.take({ is: 'woken' })),
        platform.onHide(() => shared?.rest()),
      ];
      ends = own;
      onState({ status: 'connecting' });
      if (deps.lacks) onDegraded(deps.lacks, 'The page has none');
      void join(() => ends !== own);
    },
    stop,
    async logout() {
      shared?.say({ say: 'logout' });
      stop();
      for (const [key] of await storage.entries(prefix)) await storage.delete(key);
    },
    deviceId,
  };
}

/** Without a token nothing can begin, so the client asks until there is one. */
async function askUser(
  { tokens, platform, onState }: Deps,
  isOver: () => boolean,
): Promise<string | undefined> {
  for (let attempts = 0; !isOver(); attempts += 1) {
    const token = await tokens.get().catch((error: unknown) => {
      if (!isOver()) onState({ status: 'connecting', reason: String(error) });
    });
    if (token) return readClaims(token).sub;
    await pause(platform, backoffMs(attempts, platform.random()));
  }
  return undefined;
}
