import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

type BatchAnswer = { users: Entry[]; businesses: Entry[] };
type Entry = Record<string, unknown>;

type Fault = (response: ServerResponse, answer: BatchAnswer, delayMs: number) => unknown;

const HUGE_BYTES = 8 * 1024 * 1024;
const STRANGER = '99999999-0000-4000-8000-0000000000ff';

/** The table has every way in which an answer can go wrong, by its name in `POST /_control`. */
export const FAULTS = {
  ok: (response, answer) => sendJson(response, answer),
  /** Answers well, but only after `delay_ms`. */
  slow: async (response, answer, delayMs) => {
    await delay(delayMs);
    sendJson(response, answer);
  },
  /** Never answers, and keeps the connection. */
  hang: () => undefined,
  /** Sends the head at once and then a byte each `delay_ms`. */
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
  /** Resets the connection (RST) amid the answer. */
  reset: (response, answer) => {
    response.setHeader('content-length', HUGE_BYTES);
    response.write(JSON.stringify(answer), () => response.socket?.resetAndDestroy());
  },
  error: (response) => sendJson(response, { error: 'on demand' }, 500),
  unavailable: (response) => sendJson(response, { error: 'on demand' }, 503),
  limited: (response) => sendJson(response, { error: 'on demand' }, 429),
  refused: (response) => sendJson(response, { error: 'on demand' }, 401),
  /** Answers 200 with JSON that is cut off. */
  malformed: (response, answer) => response.end(JSON.stringify(answer).slice(0, -2)),
  /** Answers 200 with JSON that has no lists. */
  nonsense: (response) => sendJson(response, { error: 'this is no list of profiles' }),
  /** Answers with 8 MiB. */
  huge: (response, answer) => sendJson(response, { ...answer, more: 'x'.repeat(HUGE_BYTES) }),
  /** Answers with only every other profile. */
  partial: (response, { users, businesses }) => {
    const half = (list: Entry[]) => list.filter((_, index) => index % 2 === 0);
    sendJson(response, { users: half(users), businesses: half(businesses) });
  },
  /** Answers with each profile under the id of somebody who was not asked for. */
  wrong_ids: (response, { users, businesses }) => {
    const other = (list: Entry[]) => list.map((entry) => ({ ...entry, id: STRANGER }));
    sendJson(response, { users: other(users), businesses: other(businesses) });
  },
  /** Answers with each profile twice, the second time under another name. */
  repeated: (response, { users, businesses }) => {
    const twice = (list: Entry[]) => [...list, ...list.map((one) => ({ ...one, name: 'Twice' }))];
    sendJson(response, { users: twice(users), businesses: twice(businesses) });
  },
  /**
   * Answers with enormous names, addresses that run code, keys of prototypes, and entries that are
   * no profiles.
   */
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
