import { connect, type Socket } from 'node:net';
import { closeFrame, pongFrame, textFrame } from './client-frames.ts';
import { FrameCursor, OPCODE, type View } from './frame-cursor.ts';
import { readUpgradeResponse, type UpgradeRequest, upgradeRequest } from './upgrade.ts';

export type ClientTarget = UpgradeRequest & {
  address: { host: string; port: number };
  /** The connection comes from this address. Each loopback address has its own 28 000 ports. */
  localAddress: string | undefined;
};

/** An ending says why a connection is over. */
export type Ending = {
  /** The close code is 1006 if none came. */
  code: number;
  /** An upgrade that was refused has this status. */
  status: number | undefined;
  retryAfterS: number | undefined;
  /** The error is that of the operating system or the parser, if there was one. */
  error: string | undefined;
};

/** One handler serves all connections, and `owner` tells which one an event is about. */
export type ClientHandler<Owner> = {
  opened(owner: Owner): void;
  /** The handler gets a view that is valid until it returns. */
  text(owner: Owner, view: View): void;
  /** The handler has got all that had arrived, so this is the moment to answer it at once. */
  drained(owner: Owner): void;
  /** The client calls this exactly once, even if the connection never opened. */
  closed(owner: Owner, ending: Ending): void;
};

type State = 'connecting' | 'upgrading' | 'open' | 'closed';

const READ_BYTES = 64 * 1024;
const ABNORMAL = 1006;
const PROTOCOL_ERROR = 1002;
const NORMAL = 1000;
const SWITCHING = 101;
const ABNORMAL_ENDING: Ending = {
  code: ABNORMAL,
  status: undefined,
  retryAfterS: undefined,
  error: undefined,
};
/** Reads are handled before they return, so one buffer and one cursor do for all connections. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
const cursor = new FrameCursor();

/**
 * The client is a WebSocket that takes few bytes and little work. It has no stream of reads and no
 * events per frame, and parses nothing that nobody asks for. Text is handed over as a view of the
 * bytes.
 */
export class WebSocketClient<Owner> {
  readonly #owner: Owner;
  readonly #handler: ClientHandler<Owner>;
  readonly #socket: Socket;
  #state: State = 'connecting';
  /** The rest is what has arrived of a frame or a head that is not whole yet. */
  #rest: Buffer | undefined = undefined;
  #fragments: Buffer[] | undefined = undefined;
  #ending: Ending | undefined = undefined;

  constructor(target: ClientTarget, owner: Owner, handler: ClientHandler<Owner>) {
    this.#owner = owner;
    this.#handler = handler;
    this.#socket = connect({
      ...target.address,
      ...(target.localAddress !== undefined && { localAddress: target.localAddress }),
      noDelay: true,
      onread: { buffer: readBuffer, callback: (bytes) => this.#read(bytes) },
    });
    this.#socket.once('connect', () => {
      this.#state = 'upgrading';
      this.#socket.write(upgradeRequest(target), 'latin1');
    });
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#ending ??= { ...ABNORMAL_ENDING, error: error.code ?? error.message };
    });
    this.#socket.once('close', () => this.#closed());
  }

  /** Sends a frame of client-frames.ts, or drops it if the socket is not open. */
  send(frame: string): void {
    if (this.#state === 'open') this.#socket.write(frame, 'latin1');
  }

  sendText(payload: string): void {
    this.send(textFrame(payload));
  }

  /** Closes the connection and waits for the server's answer. Nothing is sent any more. */
  close(): void {
    this.send(closeFrame(NORMAL));
    this.#state = 'closed';
    this.#socket.end();
  }

  #read(bytes: number): boolean {
    try {
      if (this.#rest === undefined) this.#take(readBuffer, bytes);
      else {
        const whole = Buffer.concat([this.#rest, readBuffer.subarray(0, bytes)]);
        this.#take(whole, whole.length);
      }
    } catch (error) {
      const { message } = error as Error;
      this.#ending = { ...ABNORMAL_ENDING, code: PROTOCOL_ERROR, error: message };
      this.#socket.destroy();
    }
    return true;
  }

  #take(buffer: Buffer, length: number): void {
    let from = 0;
    if (this.#state === 'upgrading') {
      const response = readUpgradeResponse(buffer.subarray(0, length));
      this.#rest = response === undefined ? Buffer.from(buffer.subarray(0, length)) : undefined;
      if (response === undefined) return;
      const { status, retryAfterS } = response;
      if (status !== SWITCHING) {
        this.#ending = { ...ABNORMAL_ENDING, status, retryAfterS };
        this.#socket.destroy();
        return;
      }
      this.#state = 'open';
      from = response.bytes;
      this.#handler.opened(this.#owner);
    }
    cursor.reset(buffer, length, from);
    while (cursor.next()) this.#frame();
    this.#rest = cursor.rest();
    if (this.#state === 'open') this.#handler.drained(this.#owner);
  }

  /** Handles the frame that the cursor stands at. */
  #frame(): void {
    const { opcode, isFinal } = cursor;
    if (opcode === OPCODE.TEXT && isFinal) this.#handler.text(this.#owner, cursor);
    else if (opcode === OPCODE.CLOSE) this.#closing();
    else if (opcode === OPCODE.PING) {
      this.send(pongFrame(cursor.buffer.toString('latin1', cursor.from, cursor.to)));
    } else if (opcode === OPCODE.TEXT || opcode === OPCODE.CONTINUATION) this.#fragment(isFinal);
    else if (opcode !== OPCODE.PONG) throw new Error(`a frame of opcode ${opcode}`);
  }

  #fragment(isLast: boolean): void {
    this.#fragments ??= [];
    this.#fragments.push(Buffer.from(cursor.buffer.subarray(cursor.from, cursor.to)));
    if (!isLast) return;
    const buffer = Buffer.concat(this.#fragments);
    this.#fragments = undefined;
    this.#handler.text(this.#owner, { buffer, from: 0, to: buffer.length });
  }

  #closing(): void {
    const { buffer, from, to } = cursor;
    const code = to - from >= 2 ? buffer.readUInt16BE(from) : ABNORMAL;
    this.#ending = { ...ABNORMAL_ENDING, code };
    if (this.#state === 'closed') this.#socket.destroy();
    else this.close();
  }

  #closed(): void {
    this.#state = 'closed';
    this.#rest = undefined;
    this.#handler.closed(this.#owner, this.#ending ?? ABNORMAL_ENDING);
  }
}
