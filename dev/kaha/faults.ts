import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

export type BatchAnswer = { users: Entry[]; businesses: Entry[] };
type Entry = Record<string, unknown>;

type Fault = (response: ServerResponse, answer: BatchAnswer, delayMs: number) => unknown;

const HUGE_BYTES = 8 * 1024 * 1024;
const STRANGER = '99999999-0000-4000-8000-0000000000ff';

/** Every way in which an answer can go wrong, by the name that `POST /_control` knows it by. */
export const FAULTS = {
  ok: (response, answer) => sendJson(response, answer),
  /** As ok, after `delay_ms`. */
  slow: async (response, answer, delayMs) => {
    await delay(delayMs);
    sendJson(response, answer);
  },
  /** Never answers, and keeps the connection. */
  hang: () => undefined,
  /** The head at once, then a byte each `delay_ms`. */
  drip: async (response, answer, delayMs) => {
    for (const byte of Buffer.from(JSON.stringify(answer))) {
      if (response.destroyed) return;
      response.write(Buffer.of(byte));
      await delay(delayMs);
    }
    response.end();
  },
  /** Closes the connection instead of answering. */
  down: (response) => response.socket?.destroy(),
  /** Resets it (RST) amid the answer. */
  reset: (response, answer) => {
    response.setHeader('content-length', HUGE_BYTES);
    response.write(JSON.stringify(answer), () => response.socket?.resetAndDestroy());
  },
  error: (response) => sendJson(response, { error: 'on demand' }, 500),
  unavailable: (response) => sendJson(response, { error: 'on demand' }, 503),
  limited: (response) => sendJson(response, { error: 'on demand' }, 429),
  refused: (response) => sendJson(response, { error: 'on demand' }, 401),
  /** 200, but cut off: no JSON. */
  malformed: (response, answer) => response.end(JSON.stringify(answer).slice(0, -2)),
  /** 200 and JSON, but no lists. */
  nonsense: (response) => sendJson(response, { error: 'this is no list of profiles' }),
  /** 8 MiB. */
  huge: (response, answer) => sendJson(response, { ...answer, more: 'x'.repeat(HUGE_BYTES) }),
  /** Only every other one. */
  partial: (response, { users, businesses }) => {
    const half = (list: Entry[]) => list.filter((_, index) => index % 2 === 0);
    sendJson(response, { users: half(users), businesses: half(businesses) });
  },
  /** Each under the id of somebody who was not asked for. */
  wrong_ids: (response, { users, businesses }) => {
    const other = (list: Entry[]) => list.map((entry) => ({ ...entry, id: STRANGER }));
    sendJson(response, { users: other(users), businesses: other(businesses) });
  },
  /** Each twice, the second time by another name. */
  repeated: (response, { users, businesses }) => {
    const twice = (list: Entry[]) => [...list, ...list.map((one) => ({ ...one, name: 'Twice' }))];
    sendJson(response, { users: twice(users), businesses: twice(businesses) });
  },
  /** Enormous names, addresses that run code, keys of prototypes, entries that are none. */
  hostile: (response, { users, businesses }) => {
    const spoil = (list: Entry[]) => [
      ...[null, 7, 'x', [], { id: '__proto__', name: 'x' }, { id: STRANGER }],
      ...list.map((entry) => ({ ...entry, name: 'x'.repeat(5_000), avatar_url: 'javascript:x' })),
    ];
    const text = JSON.stringify({ users: spoil(users), businesses: spoil(businesses) });
    response.end(`{"__proto__":{"name":"x"},"constructor":{"prototype":{}},${text.slice(1)}`);
  },
} as const satisfies Record<string, Fault>;

export type Mode = keyof typeof FAULTS;

export function isMode(mode: unknown): mode is Mode {
  return typeof mode === 'string' && Object.hasOwn(FAULTS, mode);
}

function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.statusCode = status;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}
