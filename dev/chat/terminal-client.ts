import { WebSocket } from 'undici';
import { ChatClient } from '../../clients/js/src/index.ts';

type Options = { edgeUrl: string; getToken: () => string | Promise<string> };

const DEVICE = 'terminal';

/** Makes the client of `clients/js` that a terminal chats with. */
export function createTerminalClient({ edgeUrl, getToken }: Options): ChatClient {
  return new ChatClient({ url: edgeUrl, getToken, deviceId: DEVICE, WebSocket });
}

/**
 * Writes a line when the connection is lost and when it is back. The promise rejects, with the
 * reason in words, once the server wants no connection of this client any more.
 */
export function tellConnection(chat: ChatClient, write: (line: string) => void): Promise<never> {
  let wasConnected = false;
  let isLost = false;
  return new Promise((_, reject) => {
    chat.on('state', ({ status, code = '', reason = '' }) => {
      if (status === 'suspended') reject(new Error(`Closed: ${code} ${reason}`));
      if (status === 'connecting' && wasConnected && !isLost) {
        isLost = true;
        write('The connection is lost. What you write waits until it is back.');
      }
      if (status !== 'connected') return;
      if (isLost) write('The connection is back.');
      wasConnected = true;
      isLost = false;
    });
  });
}
