import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { fetch, WebSocket } from 'undici';
import { newId } from '../shared/ids.ts';

const HELP = `A chat client for the terminal, against the running stack.

  npm run -s chat -- --as <uuid> [--with <uuid>,…] [--edge <n>] [--token <jwt>]

  --as     who you are; a token is asked from the stand-in unless --token gives one
  --with   whom to talk to: one makes a direct conversation, 2 to 7 make a group
  --edge   which edge to connect to, counted from 1 (default 1)

Every line you type is sent to the conversation of --with, or to the one that wrote last.
`;

type Frame = Record<string, unknown> & { type: string; q?: number };

/** The protocol wants a frame at least this often. */
const HEARTBEAT_MS = 15_000;

const { values } = parseArgs({
  options: {
    as: { type: 'string' },
    with: { type: 'string' },
    edge: { type: 'string', default: '1' },
    token: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help || values.as === undefined) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 2);
}
await chat(values.as, values.edge);

async function chat(userId: string, edgeNumber: string): Promise<void> {
  const { urls } = JSON.parse(readFileSync('.run/stack.json', 'utf8')) as {
    urls: { edges: string[]; kaha: string };
  };
  const edge = urls.edges[Number(edgeNumber) - 1];
  if (edge === undefined) return fail(`There is no edge ${edgeNumber}.`);
  const token = values.token ?? (await mint(urls.kaha, userId));
  let conversationId =
    values.with && (await openConversation({ edge, token, others: values.with }));
  const headers = { authorization: `Bearer ${token}`, 'x-device-id': 'terminal' };
  const socket = new WebSocket(`${edge.replace('http', 'ws')}/ws`, { headers });
  socket.addEventListener('message', ({ data }) => {
    const frame = JSON.parse(String(data)) as Frame;
    if (frame.type === 'message') conversationId = String(frame.conversation_id);
    const line = show(frame, userId);
    if (line !== undefined) process.stdout.write(`${line}\n`);
    if (frame.q !== undefined) socket.send(JSON.stringify({ type: 'ack', q: frame.q }));
  });
  socket.addEventListener('close', ({ code, reason }) => fail(`Closed: ${code} ${reason}`));
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
  setInterval(() => socket.send('{"type":"ping"}'), HEARTBEAT_MS);
  const input = createInterface({ input: process.stdin });
  input.on('line', (content) => {
    if (conversationId === undefined) return void process.stdout.write('Nobody wrote yet.\n');
    const message = { client_msg_id: newId(), conversation_id: conversationId, content };
    socket.send(JSON.stringify({ type: 'message', ...message }));
  });
  input.on('close', () => setTimeout(() => process.exit(0), 1_000));
}

/** Returns one line for a frame that a person wants to see, and undefined for the others. */
function show(frame: Frame, userId: string): string | undefined {
  switch (frame.type) {
    case 'auth_ok':
      return `connected as ${userId}, resumed: ${String(frame.resumed)}`;
    case 'message': {
      const sender = frame.sender_id === userId ? 'me' : String(frame.sender_id).slice(0, 8);
      return `#${String(frame.seq)} ${sender}: ${String(frame.content)}`;
    }
    case 'error':
      return `error: ${JSON.stringify(frame.error)}`;
    default:
      return undefined;
  }
}

async function mint(kaha: string, userId: string): Promise<string> {
  const reply = await post(`${kaha}/_dev/token`, { user_id: userId });
  return (reply as { token: string }).token;
}

type Opening = { edge: string; token: string; others: string };

async function openConversation({ edge, token, others }: Opening): Promise<string> {
  const participants = others.split(',');
  const type = participants.length === 1 ? 'direct' : 'group';
  const body = { type, participant_ids: participants };
  const reply = await post(`${edge}/api/v1/conversations`, body, token);
  return (reply as { conversation_id: string }).conversation_id;
}

async function post(url: string, body: unknown, token?: string): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
  if (response.ok) return response.json();
  return fail(`${url}: ${response.status} ${await response.text()}`);
}

function fail(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
