import { readFileSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChatClient } from '../clients/js/src/index.ts';
import { type ChatOptions, HELP, readOptions } from './chat/chat-options.ts';
import { startDesk } from './chat/desk.ts';
import { problemLine } from './chat/event-lines.ts';
import { startTalk } from './chat/talk.ts';
import { createTerminalClient, tellConnection } from './chat/terminal-client.ts';
import { mintTokens } from './stack/stack.ts';

/** The client still shows for so long what comes after the last line. */
const LINGER_MS = 1_000;

let input: Interface | undefined;

try {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(HELP);
  else await run(options);
  process.exit(0);
} catch (error) {
  process.stderr.write(`${problemLine(error)}\n`);
  process.exit(1);
}

async function run(options: ChatOptions): Promise<void> {
  const { urls } = JSON.parse(readFileSync(options.stack, 'utf8')) as {
    urls: { edges: string[]; kaha: string };
  };
  const edgeUrl = urls.edges[options.edge - 1];
  if (edgeUrl === undefined) throw new Error(`There is no edge ${options.edge}.`);
  const getToken = async (): Promise<string> =>
    options.token ?? ((await mintTokens(urls.kaha, [options.userId]))[0] as string);
  const chat = createTerminalClient({ edgeUrl, getToken });
  const refused = tellConnection(chat, print);
  await Promise.race([converse(options, chat), refused]);
  chat.disconnect();
}

async function converse({ userId, purpose }: ChatOptions, chat: ChatClient): Promise<void> {
  const parts = { chat, userId, write: print };
  const quit = (): void => input?.close();
  const line =
    purpose.kind === 'agent'
      ? await startDesk({ ...parts, businessId: purpose.businessId, quit })
      : await startTalk(parts, purpose);
  // Lines that were typed earlier wait in stdin. Each waits until the one before was answered.
  input = createInterface({ input: process.stdin });
  for await (const text of input) {
    await line(text).catch((error: unknown) => print(problemLine(error)));
  }
  await delay(LINGER_MS);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
