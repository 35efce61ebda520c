import type { SocketClass } from './platform/platform.ts';
import type { ChatStorage } from './storage/storage.ts';

export type ChatOptions = {
  /** The server has this address, as `https://chat.example.com`. The default is the page's. */
  url?: string;
  /** Returns a token of the user. The client asks for one when it needs one, and before it ends. */
  getToken: () => string | Promise<string>;
  /**
   * Names this device, with up to 64 of `A-Za-z0-9-`. By default a browser makes up an id and keeps
   * it, and other surroundings without a storage are the device `default`. A user may have 10.
   */
  deviceId?: string;
  /**
   * Keeps unsent messages and the id of the device. By default IndexedDB in browsers, and memory
   * elsewhere.
   */
  storage?: ChatStorage;
  /**
   * The id of the user, if it is known before there is a token. With it unsent messages are shown
   * while the client is offline. By default the `sub` of the token.
   */
  userId?: string;
  /** Any class with the interface of the browser's WebSocket, where there is none: Node 20. */
  WebSocket?: SocketClass;
};
