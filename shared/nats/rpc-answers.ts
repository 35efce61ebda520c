import type { NatsConnection } from 'nats';
import { KahaError } from '../errors.ts';
import type { Logger } from '../process/logger.ts';
import { type Answer, answersSubject, FRAME_CHARS_MAX } from './rpc-frame.ts';
import type { WriteBacklog } from './write-backlog.ts';
import type { Writes } from './write-batches.ts';

/** An answer may be as large as a NATS message (1 MiB), less 64 bytes for the frame around it. */
const ANSWER_BYTES_MAX = 1024 * 1024 - 64;
const BYTES_PER_CHAR_MAX = 3;
const NO_ROOM = JSON.stringify({
  error: new KahaError('MESSAGING_UNAVAILABLE', 'The answer has no room').toWire(),
});
const encoder = new TextEncoder();

/** `service` is the kind of NATS user that answers. */
type Deps = {
  nc: NatsConnection;
  writes: Writes;
  backlog: WriteBacklog;
  service: string;
  logger: Logger;
};
type Ready = { items: string[]; chars: number };

/**
 * Gathers the answers of one connection. All answers that wait for one caller when the connection
 * writes go as one message, or as several if they are longer than `FRAME_CHARS_MAX`. An answer for
 * which the connection has no room becomes MESSAGING_UNAVAILABLE, because NATS takes too little.
 */
export class RpcAnswers {
  readonly #deps: Deps;
  /** Each key is the subject on which one caller hears the answers of this service. */
  #ready = new Map<string, Ready>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** `replyTo` is the reply subject of the message that carried the request. */
  add(replyTo: string, token: number, answer: Answer): void {
    const json = this.#encode(answer);
    const subject = answersSubject(replyTo, this.#deps.service);
    let ready = this.#ready.get(subject);
    if (ready !== undefined && ready.chars + json.length > FRAME_CHARS_MAX) {
      this.#publish(subject, ready);
      ready = undefined;
    }
    ready ??= { items: [], chars: 0 };
    ready.items.push(`[${token},${json}]`);
    ready.chars += json.length;
    if (this.#ready.size === 0) this.#deps.writes.beforeNext(() => this.#publishAll());
    this.#ready.set(subject, ready);
  }

  #encode(answer: Answer): string {
    const json = JSON.stringify(answer);
    if (!this.#deps.backlog.hasRoom(json.length)) return NO_ROOM;
    if (json.length * BYTES_PER_CHAR_MAX <= ANSWER_BYTES_MAX) return json;
    const bytes = Buffer.byteLength(json);
    if (bytes <= ANSWER_BYTES_MAX) return json;
    this.#deps.logger.error({ bytes }, 'answer too large');
    return JSON.stringify({ error: new KahaError('INTERNAL', 'Answer too large').toWire() });
  }

  #publishAll(): void {
    const due = this.#ready;
    this.#ready = new Map();
    for (const [subject, ready] of due) this.#publish(subject, ready);
  }

  #publish(subject: string, { items }: Ready): void {
    try {
      this.#deps.nc.publish(subject, encoder.encode(`[${items.join(',')}]`));
    } catch (error) {
      // The connection closes. The caller's request then ends at its own deadline.
      this.#deps.logger.debug({ err: error }, 'not answered');
    }
  }
}
