import { connect } from 'node:net';

export type RawAnswer = { status: number; headers: Record<string, string>; body: string };
type Ask = {
  /** The answer to a HEAD has no body. Without this list all requests are taken for GETs. */
  methods?: readonly string[];
  waitMs?: number;
  /** The connection is closed once so many answers have come. */
  count?: number;
};

const WAIT_MS = 15_000;
const END_OF_HEAD = '\r\n\r\n';
const BODILESS = [204, 304];

/**
 * Writes the pieces on one connection, each in a packet of its own, whatever they say. Resolves
 * with the answers once as many as expected have come, or the connection has ended. `rest` is what
 * came and is no answer. Rejects if neither happens in time.
 */
export function askRaw(
  port: number,
  pieces: readonly (string | Buffer)[],
  { methods = [], count = methods.length || 1, waitMs = WAIT_MS }: Ask = {},
): Promise<{ answers: RawAnswer[]; isEnded: boolean; rest: string }> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  const answers: RawAnswer[] = [];
  let rest = '';
  return new Promise((resolve, reject) => {
    const end = (isEnded: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ answers, isEnded, rest });
    };
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`${answers.length} of ${count} answers in ${waitMs} ms`));
    }, waitMs);
    socket.on('error', () => end(true));
    socket.on('end', () => end(true));
    socket.on('data', (chunk: Buffer) => {
      rest += chunk.toString('latin1');
      for (;;) {
        const taken = takeAnswer(rest, methods[answers.length]);
        if (taken === undefined) break;
        rest = rest.slice(taken.length);
        answers.push(taken.answer);
      }
      if (answers.length >= count) end(false);
    });
    const writeFrom = (index: number): void => {
      const piece = pieces[index];
      if (piece === undefined || socket.destroyed) return;
      socket.write(piece, () => setImmediate(() => writeFrom(index + 1)));
    };
    socket.on('connect', () => writeFrom(0));
  });
}

/** Takes the first answer off the text, or returns undefined if it is not whole yet. */
function takeAnswer(text: string, method = 'GET') {
  const end = text.indexOf(END_OF_HEAD);
  if (end === -1) return undefined;
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const status = Number(statusLine.split(' ')[1]);
  const isBodiless = method === 'HEAD' || BODILESS.includes(status);
  const bodyBytes = isBodiless ? 0 : Number(headers['content-length'] ?? 0);
  const start = end + END_OF_HEAD.length;
  if (text.length < start + bodyBytes) return undefined;
  const body = text.slice(start, start + bodyBytes);
  return { answer: { status, headers, body }, length: start + bodyBytes };
}
