import { type Platform, type SocketClass, within } from '../platform/platform.ts';
import type { ServerFrame } from '../protocol/events.ts';

export type Socket = { send(frame: object): void; close(): void };

type End = { code: number; reason: string; retryAfterMs?: number | undefined };
/** `offers` are subprotocols beside the one that the server chooses. */
type Address = { url: string; offers: readonly string[] };
type Handlers = {
  opened: () => void;
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

const PROTOCOL = 'kaha.v1';
/** A browser reports this code if no close frame came. */
export const NOT_CODED = 1006;
const MS_PER_S = 1_000;
/** A server that tells its time to wait tells at once. */
const PROBE_MS = 3_000;

/**
 * Opens a socket. `closed` is called once, and no handler after it or after `close`. The WebSocket
 * of a browser hides the answer of a server that refuses the upgrade, so after such an end the
 * client asks the same address over HTTP for `Retry-After`.
 */
export function openSocket(
  { url, offers }: Address,
  platform: Platform,
  handlers: Handlers,
): Socket {
  const WebSocket = platform.WebSocket as SocketClass;
  const address = `${url.replace(/^http/, 'ws')}/ws`;
  const native = new WebSocket(address, [PROTOCOL, ...offers]) as NativeSocket;
  let isOver = false;
  let wasOpen = false;
  let wasLeft = false;
  const end = async ({ code = NOT_CODED, reason = '' }: SocketEvent): Promise<void> => {
    if (isOver) return;
    isOver = true;
    const retryAfterMs = wasOpen ? undefined : await askRetryAfter(`${url}/ws`, platform);
    if (!wasLeft) handlers.closed({ code, reason, retryAfterMs });
  };
  native.addEventListener('open', () => {
    wasOpen = true;
    handlers.opened();
  });
  native.addEventListener('message', ({ data }) => {
    const frame = isOver ? undefined : readFrame(data);
    if (frame?.type) handlers.received(frame);
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

async function askRetryAfter(url: string, platform: Platform): Promise<number | undefined> {
  try {
    const asking = platform.fetch?.(url, {});
    if (asking === undefined) return undefined;
    const { headers } = await within(platform, PROBE_MS, asking);
    return Number(headers.get('retry-after')) * MS_PER_S || undefined;
  } catch (error) {
    return void error;
  }
}
