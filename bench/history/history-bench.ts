import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'undici';
import { Histogram, type Quantiles } from '../figures/histogram.ts';
import { type Tally, tallyOne } from '../figures/tally.ts';
import type { SeededConversation } from './history-seed.ts';

type HistoryOptions = {
  edges: readonly string[];
  conversations: readonly SeededConversation[];
  tokenOf: ReadonlyMap<string, string>;
  ratePerS: number;
  seconds: number;
  limit: number;
};
type HistoryReport = { ms: Quantiles; errors: Tally; short: number; unanswered: number };
type Asked = { dueMs: number; wanted: number };
type Answer = {
  id?: number;
  type: string;
  data?: { messages: unknown[] };
  error?: { code: string };
};

const TICK_MS = 2;
const SETTLE_MS = 5_000;

/**
 * Asks for pages of random conversations, from anywhere in them, by the clock. The time of a page
 * runs from when it was due to the parsed answer.
 */
export async function measureHistory(options: HistoryOptions): Promise<HistoryReport> {
  const { conversations, ratePerS, seconds, limit } = options;
  const asked = new Map<number, Asked>();
  const ms = new Histogram();
  const errors: Tally = {};
  let short = 0;
  const receive = (text: string, startedAt: number): void => {
    const { id = -1, data, error } = JSON.parse(text) as Answer;
    const ask = asked.get(id);
    if (ask === undefined) return;
    asked.delete(id);
    if (error !== undefined) tallyOne(errors, error.code);
    else if (data?.messages.length !== ask.wanted) short += 1;
    ms.recordMs(performance.now() - startedAt - ask.dueMs);
  };
  const startedAt = { ms: 0 };
  const sockets = await connectAll(options, (text) => receive(text, startedAt.ms));
  startedAt.ms = performance.now();
  const total = Math.floor(ratePerS * seconds);
  for (let sent = 0; sent < total; ) {
    const elapsedMs = performance.now() - startedAt.ms;
    for (; sent < total && (sent / ratePerS) * 1_000 <= elapsedMs; sent += 1) {
      const { id, people, lastSeq } = conversations[
        random(conversations.length)
      ] as SeededConversation;
      const beforeSeq = limit + 1 + random(Math.max(1, lastSeq - limit));
      asked.set(sent, { dueMs: (sent / ratePerS) * 1_000, wanted: limit });
      const frame = {
        type: 'history',
        id: sent,
        conversation_id: id,
        before_seq: beforeSeq,
        limit,
      };
      sockets.get(people[sent % 2] as string)?.send(JSON.stringify(frame));
    }
    await delay(TICK_MS);
  }
  const endsAt = performance.now() + SETTLE_MS;
  while (asked.size > 0 && performance.now() < endsAt) await delay(TICK_MS);
  for (const socket of sockets.values()) socket.close();
  return { ms: ms.quantiles(), errors, short, unanswered: asked.size };
}

/** Opens a socket for each user. Resolves once all are authenticated. */
export async function connectAll(
  { edges, tokenOf }: Pick<HistoryOptions, 'edges' | 'tokenOf'>,
  receive: (text: string) => void,
): Promise<Map<string, WebSocket>> {
  const sockets = [...tokenOf].map(async ([userId, token], index): Promise<[string, WebSocket]> => {
    const url = `${(edges[index % edges.length] as string).replace(/^http/, 'ws')}/ws`;
    const socket = new WebSocket(url, ['kaha.v1', `bearer.${token}`, 'device.history']);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('close', ({ code }) => reject(new Error(`closed: ${code}`)));
      socket.addEventListener('message', ({ data }) => {
        const text = String(data);
        if (text.startsWith('{"type":"auth_ok"')) resolve();
        receive(text);
      });
    });
    return [userId, socket];
  });
  return new Map(await Promise.all(sockets));
}

function random(below: number): number {
  return Math.floor(Math.random() * below);
}
