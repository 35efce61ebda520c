import { connect, type Socket } from 'node:net';

type RawAnswer = {
  status: number;
  /** Names are in lower case. */
  headers: ReadonlyMap<string, string>;
  body: string;
};

type RawAnswers = {
  answers: RawAnswer[];
  /** The server closed the connection, so no other answer comes. */
  isClosed: boolean;
  /** These bytes are no whole answer. */
  rest: string;
};

type Pieces = Iterable<string> | AsyncIterable<string>;
type Asked = {
  /** Each piece is written after the server in this process had time to read the one before. */
  pieces: Pieces;
  /** The connection is cut once so many answers came. By default it is read until it is closed. */
  answers?: number;
  /** The first answer is one to a HEAD, and so has no body. */
  isHead?: boolean;
};

const HEAD_END = '\r\n\r\n';
const BODILESS = [101, 204, 304];

/** Writes bytes to a connection of its own, and reads them as HTTP answers that come back. */
export function askRaw(port: number, asked: Asked): Promise<RawAnswers> {
  const { pieces, answers: wanted = Number.POSITIVE_INFINITY, isHead = false } = asked;
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  let text = '';
  return new Promise((resolve) => {
    const done = (isClosed: boolean, read = readAnswers(text, isHead)): void => {
      resolve({ ...read, isClosed });
      socket.destroy();
    };
    // A server that does not read all that was sent resets the connection after its answer.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => done(true));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (wanted === Number.POSITIVE_INFINITY) return;
      const read = readAnswers(text, isHead);
      if (read.answers.length >= wanted) done(false, read);
    });
    void writeAll(socket, pieces);
  });
}

async function writeAll(socket: Socket, pieces: Pieces): Promise<void> {
  for await (const piece of pieces) {
    if (socket.destroyed) return;
    await new Promise<void>((written) => socket.write(piece, 'latin1', () => written()));
    await turnOfTheLoop();
  }
}

/** A server in this process has read what was written before. */
export async function turnOfTheLoop(): Promise<void> {
  for (let n = 0; n < 3; n += 1) await new Promise((resolve) => setImmediate(resolve));
}

function readAnswers(text: string, isHead: boolean): { answers: RawAnswer[]; rest: string } {
  const answers: RawAnswer[] = [];
  let rest = text;
  for (;;) {
    const end = rest.indexOf(HEAD_END);
    if (end === -1) return { answers, rest };
    const [first = '', ...lines] = rest.slice(0, end).split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]);
    const headers = new Map(lines.map(headerOf));
    const bodyAt = end + HEAD_END.length;
    const isBodiless = BODILESS.includes(status) || (isHead && answers.length === 0);
    // What has no length ends with the connection.
    const length = isBodiless ? 0 : Number(headers.get('content-length') ?? rest.length - bodyAt);
    if (rest.length < bodyAt + length) return { answers, rest };
    answers.push({ status, headers, body: rest.slice(bodyAt, bodyAt + length) });
    rest = rest.slice(bodyAt + length);
  }
}

function headerOf(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
