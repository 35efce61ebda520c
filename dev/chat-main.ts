import { readFileSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { type ChatOptions, HELP, readOptions } from './chat/chat-options.ts';
import { ChatSocket } from './chat/chat-socket.ts';
import { startDesk } from './chat/desk.ts';
import { startTalk } from './chat/talk.ts';
import { mintTokens } from './stack/stack.ts';

/** The client still shows for so long what comes after the last line. */
const LINGER_MS = 1_000;

let input: Interface | undefined;

try {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(HELP);
  else await chat(options);
  process.exit(0);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}

async function chat(options: ChatOptions): Promise<void> {
  const { urls } = JSON.parse(readFileSync(options.stack, 'utf8')) as {
    urls: { edges: string[]; kaha: string };
  };
  const edgeUrl = urls.edges[options.edge - 1];
  if (edgeUrl === undefined) throw new Error(`There is no edge ${options.edge}.`);
  const token = options.token ?? ((await mintTokens(urls.kaha, [options.userId]))[0] as string);
  const socket = await ChatSocket.connect({ edgeUrl, token });
  const lost = socket.closed.then((reason): never => {
    throw new Error(reason);
  });
  await Promise.race([converse(options, { socket, edgeUrl, token }), lost]);
}

type Place = { socket: ChatSocket; edgeUrl: string; token: string };

async function converse({ userId, purpose }: ChatOptions, place: Place): Promise<void> {
  const parts = { ...place, userId, write: print };
  const quit = (): void => input?.close();
  const line =
    purpose.kind === 'agent'
      ? await startDesk({ ...parts, businessId: purpose.businessId, quit })
      : await startTalk(parts, purpose);
  // Lines that were typed earlier wait in stdin. Each waits until the one before was answered.
  input = createInterface({ input: process.stdin });
  for await (const text of input) {
    await line(text).catch((error: unknown) => print((error as Error).message));
  }
  await delay(LINGER_MS);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
