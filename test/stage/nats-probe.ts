import { connect, type Socket } from 'node:net';
import { nkeys } from 'nats';

type Probe = {
  /** Resolves with true if the server lets this user publish to the subject. */
  mayPublish(subject: string): Promise<boolean>;
  /** Resolves with true if the server lets this user subscribe to the subject. */
  maySubscribe(subject: string): Promise<boolean>;
  close(): void;
};

const ANSWER_MS = 5_000;

/**
 * Speaks NATS by hand, so that each refusal can be matched to its command. The server answers in
 * order: the `-ERR` of a command comes before the `PONG` of the `PING` behind it.
 */
export async function probeNats(port: number, seed: string): Promise<Probe> {
  const socket = connect(port, '127.0.0.1');
  const read = readUntil(socket);
  const key = nkeys.fromSeed(new TextEncoder().encode(seed));
  const [info = ''] = await read(/^INFO (.*)\r\n/);
  const { nonce } = JSON.parse(info) as { nonce: string };
  const sig = Buffer.from(key.sign(new TextEncoder().encode(nonce))).toString('base64url');
  const options = { verbose: false, pedantic: true, nkey: key.getPublicKey(), sig, headers: true };
  const ask = async (command: string): Promise<string> => {
    socket.write(`${command}PING\r\n`);
    const [answer = ''] = await read(/^((?:(?!PONG\r\n).)*)PONG\r\n/s);
    return answer;
  };
  const refused = await ask(`CONNECT ${JSON.stringify(options)}\r\n`);
  if (refused !== '') throw new Error(refused);
  let sids = 0;
  return {
    async mayPublish(subject) {
      const answer = await ask(`PUB ${subject} 0\r\n\r\n`);
      return judge(answer, 'Publish');
    },
    async maySubscribe(subject) {
      sids += 1;
      const answer = await ask(`SUB ${subject} ${sids}\r\n`);
      await ask(`UNSUB ${sids}\r\n`);
      return judge(answer, 'Subscription');
    },
    close: () => socket.destroy(),
  };
}

/** A message that arrives by chance is not taken for an answer. */
function judge(answer: string, what: string): boolean {
  const errors = answer.split('\r\n').filter((line) => line.startsWith('-ERR'));
  const expected = `-ERR 'Permissions Violation for ${what}`;
  const other = errors.find((line) => !line.startsWith(expected));
  if (other !== undefined) throw new Error(other);
  return errors.length === 0;
}

function readUntil(socket: Socket): (pattern: RegExp) => Promise<string[]> {
  let seen = '';
  let look = (): void => {};
  let end = (_: Error): void => {};
  socket.on('data', (chunk: Buffer) => {
    seen += chunk.toString('latin1');
    look();
  });
  socket.on('error', (error) => end(error));
  socket.on('close', () => end(new Error(`closed: ${seen}`)));
  return (pattern) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => end(new Error(`no answer; ${seen}`)), ANSWER_MS);
      end = (error) => {
        clearTimeout(timer);
        reject(error);
      };
      look = () => {
        const match = pattern.exec(seen);
        if (match === null) return;
        clearTimeout(timer);
        seen = seen.slice(match[0].length);
        resolve(match.slice(1));
      };
      look();
    });
}
