export const OPCODE = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;

/** A view is a stretch of bytes that is valid until the next read. */
export type View = { buffer: Buffer; from: number; to: number };

const FINAL = 0x80;
const RESERVED = 0x70;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
/** The limit is far above what a server sends, and a length beyond it is garbage. */
const PAYLOAD_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Walks over the WebSocket frames of a server in a buffer, without copying. One cursor serves all
 * connections of a process, and its fields hold what `next` found.
 */
export class FrameCursor implements View {
  buffer: Buffer = Buffer.alloc(0);
  opcode = 0;
  isFinal = false;
  /** The payload lies between `from` and `to`. */
  from = 0;
  to = 0;
  /** The first frame that is not whole yet begins here. */
  at = 0;
  #end = 0;

  /** Makes the cursor look at the first `length` bytes. */
  reset(buffer: Buffer, length: number, at = 0): void {
    this.buffer = buffer;
    this.#end = length;
    this.at = at;
  }

  /**
   * Moves to the next frame. Returns false if no whole frame is left. Throws if the server must not
   * send the frame.
   */
  next(): boolean {
    const { buffer, at } = this;
    const end = this.#end;
    if (end - at < 2) return false;
    const first = buffer[at] as number;
    const second = buffer[at + 1] as number;
    if ((first & RESERVED) !== 0) throw new Error('reserved bits in a frame');
    if ((second & MASKED) !== 0) throw new Error('a masked frame from a server');
    let from = at + 2;
    let length = second;
    if (length === LENGTH_16) {
      if (end - from < 2) return false;
      length = buffer.readUInt16BE(from);
      from += 2;
    } else if (length === LENGTH_64) {
      if (end - from < 8) return false;
      length = Number(buffer.readBigUInt64BE(from));
      from += 8;
    }
    if (length > PAYLOAD_BYTES_MAX) throw new Error(`a frame of ${length} bytes`);
    if (end - from < length) return false;
    this.isFinal = (first & FINAL) !== 0;
    this.opcode = first & 0x0f;
    this.from = from;
    this.to = from + length;
    this.at = this.to;
    return true;
  }

  /**
   * Returns a copy of the bytes of the frame that is not whole yet, or undefined if there are none.
   */
  rest(): Buffer | undefined {
    if (this.at >= this.#end) return undefined;
    return Buffer.from(this.buffer.subarray(this.at, this.#end));
  }
}
