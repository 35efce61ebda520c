import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export const OPCODES = {
  continuation: 0,
  text: 1,
  binary: 2,
  close: 8,
  ping: 9,
  pong: 10,
} as const;

export type FrameOptions = {
  opcode?: number;
  isFinal?: boolean;
  /** A client that does not mask breaks RFC 6455. */
  isMasked?: boolean;
  /**
   * These are the three reserved bits. The server agrees on none of them, so it must refuse a frame
   * that sets one.
   */
  reserved?: number;
};

type WireFrame = { opcode: number; isFinal: boolean; payload: Buffer };

const SHORT_MAX = 125;
const MEDIUM_MAX = 65_535;
const FINAL = 0x80;
const MASKED = 0x80;

/** Encodes one frame as bytes. Nothing here keeps a test from breaking the rules. */
export function encodeFrame(payload: Buffer, options: FrameOptions = {}): Buffer {
  const { opcode = OPCODES.text, isFinal = true, isMasked = true, reserved = 0 } = options;
  const { length } = payload;
  const header = Buffer.alloc(length <= SHORT_MAX ? 2 : length <= MEDIUM_MAX ? 4 : 10);
  header[0] = (isFinal ? FINAL : 0) | (reserved << 4) | opcode;
  header[1] = isMasked ? MASKED : 0;
  if (length <= SHORT_MAX) {
    header[1] |= length;
  } else if (length <= MEDIUM_MAX) {
    header[1] |= SHORT_MAX + 1;
    header.writeUInt16BE(length, 2);
  } else {
    header[1] |= SHORT_MAX + 2;
    header.writeBigUInt64BE(BigInt(length), 2);
  }
  if (!isMasked) return Buffer.concat([header, payload]);
  const mask = randomBytes(4);
  const masked = Buffer.from(payload);
  for (let i = 0; i < length; i += 1) masked[i] = (masked[i] as number) ^ (mask[i & 3] as number);
  return Buffer.concat([header, mask, masked]);
}

/** Decodes the unmasked frames of a server from chunks of any size. */
export class FrameDecoder {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): WireFrame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: WireFrame[] = [];
    for (let frame = this.#take(); frame !== undefined; frame = this.#take()) frames.push(frame);
    return frames;
  }

  #take(): WireFrame | undefined {
    const rest = this.#rest;
    if (rest.length < 2) return undefined;
    const [first, second] = rest as unknown as [number, number];
    const short = second & 0x7f;
    const headerBytes = short <= SHORT_MAX ? 2 : short === SHORT_MAX + 1 ? 4 : 10;
    if (rest.length < headerBytes) return undefined;
    let length = short;
    if (headerBytes === 4) length = rest.readUInt16BE(2);
    if (headerBytes === 10) length = Number(rest.readBigUInt64BE(2));
    if (rest.length < headerBytes + length) return undefined;
    const payload = rest.subarray(headerBytes, headerBytes + length);
    this.#rest = rest.subarray(headerBytes + length);
    return { opcode: first & 0x0f, isFinal: (first & FINAL) !== 0, payload };
  }
}

type UpgradeOptions = { path?: string; headers?: Record<string, string> };
export type UpgradeResult = {
  status: number;
  headers: Record<string, string>;
  body: string;
  /** The socket is open if the status is 101. `rest` holds what has already come after the head. */
  socket: Socket;
  rest: Buffer;
};

const UPGRADE_TIMEOUT_MS = 12_000;
const END_OF_HEAD = '\r\n\r\n';

/** Asks for a WebSocket. Resolves with any answer, and rejects if none comes. */
export function upgrade(port: number, options: UpgradeOptions = {}): Promise<UpgradeResult> {
  const { path = '/ws', headers = {} } = options;
  const socket = connect(port, '127.0.0.1');
  socket.write(
    [
      `GET ${path} HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      'Sec-WebSocket-Version: 13',
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      END_OF_HEAD.slice(2),
    ].join('\r\n'),
  );
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0);
    const end = (): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
    };
    const fail = (why: string): void => {
      end();
      socket.on('error', () => socket.destroy());
      socket.destroy();
      reject(new Error(`no upgrade: ${why}`));
    };
    const timer = setTimeout(() => fail('no answer in time'), UPGRADE_TIMEOUT_MS);
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => fail('closed'));
    socket.on('data', (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
      const result = readAnswer(seen);
      if (result === undefined) return;
      end();
      if (result.status === 101) socket.pause();
      else socket.destroy();
      resolve({ ...result, socket });
    });
  });
}

function readAnswer(seen: Buffer): Omit<UpgradeResult, 'socket'> | undefined {
  const end = seen.indexOf(END_OF_HEAD);
  if (end === -1) return undefined;
  const [statusLine = '', ...lines] = seen.subarray(0, end).toString('latin1').split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const status = Number(statusLine.split(' ')[1]);
  const rest = seen.subarray(end + END_OF_HEAD.length);
  if (status !== 101 && rest.length < Number(headers['content-length'] ?? 0)) return undefined;
  return { status, headers, body: status === 101 ? '' : rest.toString(), rest };
}
