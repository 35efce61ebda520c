import { readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { request, WebSocket } from 'undici';
import { isFree } from '../../dev/processes/ports.ts';
import type { NodeProfile } from './node-profile.ts';

/** Node listens here for a debugger after SIGUSR1, unless it was told another port. */
const PORT = 9_229;
const OPEN_MS = 5_000;
const POLL_MS = 50;
const SAMPLE_US = 1_000;
const MS_PER_S = 1_000;
/**
 * The expression closes the inspector after the connection to it has ended. Node offers `require`
 * only while the expression itself runs.
 */
const CLOSE = `(() => {
  const { close } = require('node:inspector');
  setTimeout(close, 200);
})()`;

type Options = { seconds: number; port?: number };
type Answer = { id: number; result?: Record<string, unknown>; error?: { message: string } };

/**
 * The profile tells of this many seconds of a process of Node that runs. The profiler opens the
 * inspector of the process and closes it again, so the process pays nothing before and after.
 */
export async function profileNode(pid: number, options: Options): Promise<NodeProfile> {
  const { seconds, port = PORT } = options;
  // Another program would end at the signal.
  if (readlinkSync(`/proc/${pid}/exe`) !== process.execPath) {
    throw new Error(`process ${pid} does not run this Node`);
  }
  // One process at a time can listen there.
  if (!(await isFree(port))) throw new Error(`port ${port} is taken: another debugger listens`);
  process.kill(pid, 'SIGUSR1');
  const session = await InspectorSession.open(await findAddress(port));
  try {
    const { result } = await session.evaluate('process.pid');
    const found = (result as { value?: unknown } | undefined)?.value;
    if (found !== pid) throw new Error(`process ${found} answers instead of ${pid}`);
    await session.call('Profiler.enable');
    await session.call('Profiler.setSamplingInterval', { interval: SAMPLE_US });
    await session.call('Profiler.start');
    await delay(seconds * MS_PER_S);
    const { profile } = await session.call('Profiler.stop');
    await session.evaluate(CLOSE);
    return profile as NodeProfile;
  } finally {
    session.close();
    await untilFree(port);
  }
}

/** The next process can open its inspector only when this one has closed its own. */
async function untilFree(port: number): Promise<void> {
  const end = Date.now() + OPEN_MS;
  while (!(await isFree(port))) {
    if (Date.now() > end) throw new Error(`port ${port} is still taken`);
    await delay(POLL_MS);
  }
}

async function findAddress(port: number): Promise<string> {
  const end = Date.now() + OPEN_MS;
  for (;;) {
    try {
      const { body } = await request(`http://127.0.0.1:${port}/json/list`);
      const [target] = (await body.json()) as { webSocketDebuggerUrl: string }[];
      if (target !== undefined) return target.webSocketDebuggerUrl;
    } catch (error) {
      if (Date.now() > end) throw new Error('no inspector has opened', { cause: error });
    }
    await delay(POLL_MS);
  }
}

/** A session asks an inspector; the number of an answer tells which question it belongs to. */
class InspectorSession {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #last = 0;

  static open(url: string): Promise<InspectorSession> {
    const socket = new WebSocket(url);
    return new Promise((resolve, reject) => {
      socket.addEventListener('open', () => resolve(new InspectorSession(socket)));
      socket.addEventListener('error', () => reject(new Error(`no connection to ${url}`)));
    });
  }

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const answer = JSON.parse(String(data)) as Answer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    socket.addEventListener('close', () => {
      const error = { message: 'the process or its inspector ended' };
      for (const [id, answer] of this.#waiting) answer({ id, error });
    });
  }

  call(method: string, params: object = {}): Promise<Record<string, unknown>> {
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result = {}, error }) => {
        if (error === undefined) resolve(result);
        else reject(new Error(`${method}: ${error.message}`));
      });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  async evaluate(expression: string): Promise<Record<string, unknown>> {
    const params = { expression, includeCommandLineAPI: true };
    const answer = await this.call('Runtime.evaluate', params);
    if (answer.exceptionDetails === undefined) return answer;
    throw new Error(`the process refused: ${JSON.stringify(answer.exceptionDetails)}`);
  }

  close(): void {
    this.#socket.close();
  }
}
