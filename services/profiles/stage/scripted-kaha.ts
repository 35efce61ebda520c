import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type BatchBody = { user_ids: string[]; business_ids: string[] };
type Behaviour = (body: BatchBody, response: ServerResponse) => void;

export type ScriptedKaha = {
  url: string;
  /** `calls` has every call so far, with the ids that it asked for. */
  calls: { body: BatchBody; authorization: string | undefined }[];
  behave(behaviour: Behaviour): void;
  close(): Promise<void>;
};

/** Answers that every id exists and is called `Name of <id>`. */
export const answerAll: Behaviour = (body, response) => {
  const entryOf = (id: string) => ({ id, name: `Name of ${id}` });
  const { user_ids: users, business_ids: businesses } = body;
  response.end(JSON.stringify({ users: users.map(entryOf), businesses: businesses.map(entryOf) }));
};

/** Answers that every id exists and is called `name`. */
export function answerNamed(name: string): Behaviour {
  return ({ user_ids: users, business_ids: businesses }, response) => {
    const entryOf = (id: string) => ({ id, name });
    const body = { users: users.map(entryOf), businesses: businesses.map(entryOf) };
    response.end(JSON.stringify(body));
  };
}

/** Starts a real HTTP server in kaha-main-v3's place that does what a test tells it. */
export async function startScriptedKaha(): Promise<ScriptedKaha> {
  const calls: ScriptedKaha['calls'] = [];
  let behaviour = answerAll;
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      calls.push({ body, authorization: request.headers.authorization });
      behaviour(body, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    behave(next) {
      behaviour = next;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function readBody(request: IncomingMessage): Promise<BatchBody> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString());
}
