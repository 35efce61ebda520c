import type { Platform } from '../platform/platform.ts';
import type { ServerFrame } from '../protocol/events.ts';

export type Socket = { send(text: string): void; close(): void };

type End = { code: number; reason: string; retryAfterMs?: number | undefined };
type Handlers = {
  opened: () => Promise<void>;
  received: (frame: ServerFrame) => void;
  closed: (end: End) => void;
};

/** The part of the browser's WebSocket that the client uses. */
type NativeSocket = {
  send(text: string): void;
  close(code?: number): void;
  addEventListener(type: string, listener: (event: SocketEvent) => void): void;
};
type SocketEvent = { data?: unknown; code?: number; reason?: string };

const PROTOCOL = 'kaha.v1';
const NORMAL = 1000;
const NOT_CODED = 1006;
const MS_PER_S = 1_000;
/** A server that tells its time to wait tells at once. */
const PROBE_MS = 3_000;

/**
 * Opens a socket. After `closed` no other handler is called, and `closed` is called once. The
 * WebSocket of a browser hides the answer of a server that refuses the upgrade, so after such an
 * end the client asks the same address over HTTP for `Retry-After`.
 */
export function openSocket(url: string, platform: Platform, handlers: Handlers): Socket {
  const { WebSocket } = platform;
  if (WebSocket === undefined) throw new Error('no WebSocket here: give options.WebSocket');
  const native = new WebSocket(`${url.replace(/^http/, 'ws')}/ws`, [PROTOCOL]) as NativeSocket;
  let isOver = false;
  let wasOpen = false;
  const end = async ({ code = NOT_CODED, reason = '' }: SocketEvent): Promise<void> => {
    if (isOver) return;
    isOver = true;
    const retryAfterMs = wasOpen ? undefined : await askRetryAfter(`${url}/ws`, platform);
    handlers.closed({ code, reason, retryAfterMs });
  };
  native.addEventListener('open', () => {
    wasOpen = true;
    handlers.opened().catch((error: unknown) => {
      native.close(NORMAL);
      return end({ reason: String(error) });
    });
  });
  native.addEventListener('message', ({ data }) => {
    const frame = isOver ? undefined : readFrame(data);
    if (frame !== undefined) handlers.received(frame);
  });
  native.addEventListener('error', () => wasOpen || void end({}));
  native.addEventListener('close', (event) => void end(event));
  return {
    send(text) {
      if (!isOver && wasOpen) native.send(text);
    },
    close() {
      isOver = true;
      native.close(NORMAL);
    },
  };
}

/** A frame that this version cannot read is ignored, as the contract asks. */
function readFrame(data: unknown): ServerFrame | undefined {
  try {
    const frame = JSON.parse(String(data)) as ServerFrame | null;
    return typeof frame?.type === 'string' ? frame : undefined;
  } catch (error) {
    return void error;
  }
}

async function askRetryAfter(url: string, platform: Platform): Promise<number | undefined> {
  const { fetch, setTimeout, clearTimeout } = platform;
  if (fetch === undefined) return undefined;
  let timer: unknown;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), PROBE_MS);
  });
  try {
    const answer = await Promise.race([fetch(url, {}), timeout]);
    const seconds = Number(answer?.headers.get('retry-after') ?? Number.NaN);
    return seconds > 0 ? seconds * MS_PER_S : undefined;
  } catch (error) {
    return void error;
  } finally {
    clearTimeout(timer);
  }
}
