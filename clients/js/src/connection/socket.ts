import { type Fetch, type Platform, type SocketClass, within } from '../platform/platform.ts';
import { TOKEN_EXPIRED } from '../protocol/close-codes.ts';
import type { ServerFrame } from '../protocol/events.ts';

export type Socket = { send(frame: object): void; close(): void };

export type End = { code: number; reason: string; pauseMs?: number | undefined };
type Opening = {
  url: string;
  token: string;
  deviceId: string;
  platform: Platform;
  received: (frame: ServerFrame) => void;
  closed: (end: End) => void;
};

/** The part of the browser's WebSocket that the client uses. */
type NativeSocket = {
  send(text: string): void;
  close(): void;
  addEventListener(type: string, listener: (event: SocketEvent) => void): void;
};
type SocketEvent = { data?: unknown; code?: number; reason?: string };

/** A browser reports this code if no close frame came. */
const NOT_CODED = 1006;
const MS_PER_S = 1_000;
/** A server that tells its time to wait tells at once. */
const PROBE_MS = 3_000;

/**
 * Opens a socket. `closed` is called once, and no handler after it or after `close`. The token goes
 * with the upgrade, because a server that is pressed lets in first who proves at once who it is. A
 * text that can be no token, or an address that no socket can be opened to, ends at once, and a
 * fresh token is asked for then. The WebSocket of a browser hides the answer of a server that
 * refuses the upgrade, so after such an end the client asks the same address over HTTP for
 * `Retry-After`.
 */
export function openSocket(opening: Opening): Socket | undefined {
  const { url, token, deviceId, platform, received, closed } = opening;
  const WebSocket = platform.WebSocket as SocketClass;
  const protocols = ['kaha.v1', `bearer.${token}`, `device.${deviceId}`];
  let native: NativeSocket;
  try {
    native = new WebSocket(`${url.replace(/^http/, 'ws')}/ws`, protocols) as NativeSocket;
  } catch (error) {
    return void closed({ code: TOKEN_EXPIRED, reason: String(error) });
  }
  let isOver = false;
  let wasOpen = false;
  let wasLeft = false;
  const end = async ({ code = NOT_CODED, reason = '' }: SocketEvent): Promise<void> => {
    if (isOver) return;
    isOver = true;
    const pauseMs = wasOpen ? 0 : await askRetryAfterMs(`${url}/ws`, platform);
    if (!wasLeft) closed({ code, reason, pauseMs });
  };
  native.addEventListener('open', () => {
    wasOpen = true;
  });
  native.addEventListener('message', ({ data }) => {
    const frame = isOver ? undefined : readFrame(data);
    if (frame?.type) received(frame);
  });
  native.addEventListener('error', () => wasOpen || end({}));
  native.addEventListener('close', end);
  return {
    send: (frame) => native.send(JSON.stringify(frame)),
    close() {
      isOver = wasLeft = true;
      native.close();
    },
  };
}

/** A frame that this version cannot read is ignored, as the contract asks. */
function readFrame(data: unknown): ServerFrame | null | undefined {
  try {
    return JSON.parse(String(data));
  } catch (error) {
    return void error;
  }
}

/** Resolves with 0 where the server tells none, or where there is no fetch. */
async function askRetryAfterMs(url: string, platform: Platform): Promise<number> {
  try {
    const asking = (platform.fetch as Fetch)(url, {});
    const { headers } = await within(platform, PROBE_MS, asking);
    return Number(headers.get('retry-after')) * MS_PER_S || 0;
  } catch {
    return 0;
  }
}
