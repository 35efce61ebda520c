import type { ChatApi } from '../chat-api.ts';
import { ChatError } from '../errors.ts';
import type {
  Device,
  PushRegistration,
  PushSubscriptionInput,
  PushWishes,
} from '../protocol/devices.ts';

/** A service worker of a browser, or as much of it as is needed. */
export type PushWorker = {
  readonly pushManager: {
    getSubscription(): Promise<BrowserSubscription | null>;
    subscribe(options: {
      userVisibleOnly: true;
      applicationServerKey: string;
    }): Promise<BrowserSubscription>;
  };
};
type BrowserSubscription = { toJSON(): unknown; unsubscribe(): Promise<boolean> };

/** Shows the devices of a user, signs them out, and lets this one get pushes. */
export class Devices {
  readonly #chat: ChatApi;

  constructor(chat: ChatApi) {
    this.#chat = chat;
  }

  /** Resolves with the id of the device on which this runs, unless it has none yet. */
  ownId(): Promise<string | undefined> {
    return this.#chat.deviceId();
  }

  /** The connected ones come first, then the one that was there last. */
  async list(): Promise<readonly Device[]> {
    return ((await this.#chat.rest('GET', '/devices')) as { devices: Device[] }).devices;
  }

  /**
   * Ends the session of a device, and its pushes. It comes back only with a token that is issued
   * later. To sign out where this runs, use `chat.logout`.
   */
  async signOut(deviceId: string): Promise<void> {
    await this.#chat.rest('DELETE', `/devices/${deviceId}`);
  }

  /**
   * Registers this device for pushes, or with other wishes. An app does so at each start, because
   * its token may have changed.
   */
  async register(registration: PushRegistration): Promise<void> {
    await this.#chat.rest('PUT', await this.#pushPath(), registration);
  }

  /** Ends the pushes to this device. */
  async unregister(): Promise<void> {
    await this.#chat.rest('DELETE', await this.#pushPath());
  }

  /** Resolves with the key for web push, or with undefined where the server has none. */
  async webPushKey(): Promise<string | undefined> {
    try {
      const answer = await this.#chat.rest('GET', '/push/webpush-key');
      return (answer as { public_key: string }).public_key;
    } catch (error) {
      if (error instanceof ChatError && error.code === 'NOT_FOUND') return undefined;
      throw error;
    }
  }

  /**
   * Subscribes the browser to pushes, and registers this device with them. The browser asks the
   * person first, and rejects where they do not want it. Resolves with false where the server has
   * no web push.
   */
  async subscribe(worker: PushWorker, wishes: PushWishes = {}): Promise<boolean> {
    const applicationServerKey = await this.webPushKey();
    if (applicationServerKey === undefined) return false;
    const options = { userVisibleOnly: true, applicationServerKey } as const;
    const made = await worker.pushManager.subscribe(options);
    const { endpoint, keys } = made.toJSON() as PushSubscriptionInput;
    await this.register({ ...wishes, provider: 'webpush', subscription: { endpoint, keys } });
    return true;
  }

  /** Ends the pushes to this browser. The server is told first, and then the browser. */
  async unsubscribe(worker: PushWorker): Promise<void> {
    await this.unregister();
    await (await worker.pushManager.getSubscription())?.unsubscribe();
  }

  async #pushPath(): Promise<string> {
    const id = await this.ownId();
    if (id === undefined) throw new ChatError('CLOSED', 'The client has never been connected');
    return `/devices/${id}/push`;
  }
}
