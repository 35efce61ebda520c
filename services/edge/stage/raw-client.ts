import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9 } as const;
type FrameOptions = { opcode?: number; isFinal?: boolean };

const SHORT_MAX = 125;
const MEDIUM_MAX = 65_535;

/** This WebSocket client can be rude: it writes any bytes, and stops reading. */
export class RawClient {
  readonly socket: Socket;
  /**
   * Resolves to the close code of the server, or to undefined where the server only cut the
   * connection.
   */
  readonly ended: Promise<number | undefined>;
  readonly texts: string[] = [];
  #buffer = Buffer.alloc(0);
  #code: number | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    // A reset ends the connection like a close.
    socket.on('error', () => socket.destroy());
    this.ended = new Promise((resolve) => socket.once('close', () => resolve(this.#code)));
  }

  write(payload: string | Buffer, options: FrameOptions = {}): void {
    this.socket.write(maskedFrame(Buffer.from(payload as string), options));
  }

  send(frame: object): void {
    this.write(JSON.stringify(frame));
  }

  async text(): Promise<string> {
    while (this.texts.length === 0) await once(this.socket, 'data');
    return this.texts.shift() as string;
  }

  #read(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (let frame = this.#take(); frame !== undefined; frame = this.#take()) {
      if (frame.opcode === OPCODES.close) this.#code = frame.payload.readUInt16BE(0);
      else if (frame.opcode === OPCODES.text) this.texts.push(frame.payload.toString());
    }
  }

  #take(): { opcode: number; payload: Buffer } | undefined {
    const buffer = this.#buffer;
    if (buffer.length < 2) return undefined;
    const short = (buffer[1] as number) & 0x7f;
    const headerBytes = short <= SHORT_MAX ? 2 : short === SHORT_MAX + 1 ? 4 : 10;
    if (buffer.length < headerBytes) return undefined;
    let length = short;
    if (headerBytes === 4) length = buffer.readUInt16BE(2);
    if (headerBytes === 10) length = Number(buffer.readBigUInt64BE(2));
    if (buffer.length < headerBytes + length) return undefined;
    const payload = buffer.subarray(headerBytes, headerBytes + length);
    this.#buffer = buffer.subarray(headerBytes + length);
    return { opcode: (buffer[0] as number) & 0x0f, payload };
  }
}

/** Upgrades a connection, and reads what the server sends on it. */
export function connectRaw(port: number, headers: Record<string, string> = {}): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1');
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(
    'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n' +
      `${lines.join('')}\r\n`,
  );
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const read = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      socket.removeListener('error', reject);
      socket.removeListener('data', read);
      if (!head.toString('latin1').startsWith('HTTP/1.1 101')) reject(new Error('not upgraded'));
      const client = new RawClient(socket);
      const rest = head.subarray(end + HEAD_END_BYTES);
      if (rest.length > 0) socket.emit('data', rest);
      resolve(client);
    };
    socket.once('error', reject);
    socket.on('data', read);
  });
}

const HEAD_END_BYTES = 4;

/** Makes a frame whose mask is zero, which is allowed and keeps the bytes readable. */
function maskedFrame(payload: Buffer, options: FrameOptions): Buffer {
  const { opcode = OPCODES.text, isFinal = true } = options;
  const { length } = payload;
  const header = Buffer.alloc(length <= SHORT_MAX ? 2 : length <= MEDIUM_MAX ? 4 : 10);
  header[0] = (isFinal ? 0x80 : 0) | opcode;
  if (length <= SHORT_MAX) {
    header[1] = 0x80 | length;
  } else if (length <= MEDIUM_MAX) {
    header[1] = 0x80 | (SHORT_MAX + 1);
    header.writeUInt16BE(length, 2);
  } else {
    header[1] = 0x80 | (SHORT_MAX + 2);
    header.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([header, Buffer.alloc(4), payload]);
}
