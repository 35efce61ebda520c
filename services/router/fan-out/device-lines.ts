import { Room } from '../../../shared/concurrency/room.ts';
import {
  AFTER_HEADER,
  OFFER_TIMEOUT_MS,
  readOfferAnswer,
} from '../../../shared/contracts/offer-answers.ts';
import { queueName, subjects } from '../../../shared/contracts/subjects.ts';
import type { Msg } from '../../../shared/nats/bus.ts';
import type { Failure } from '../../../shared/nats/pending-replies.ts';
import type { ReplyMux } from '../../../shared/nats/reply-mux.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { heapShare } from '../../../shared/process/heap-share.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { Device } from '../queues/known-queues.ts';
import type { NotStored, QueuePublisher } from '../queues/queue-publisher.ts';
import type { RouterMetrics } from '../router-metrics.ts';
import type { AwayDevices } from './away-devices.ts';
import { DeviceLine } from './device-line.ts';
import { LineEvent, type LineListener, type Outcome } from './line-event.ts';

type Deps = {
  /** Answers arrive on subjects below `answers.<instance>`; edges may publish to these. */
  mux: ReplyMux;
  publisher: Pick<QueuePublisher, 'publish'>;
  away: AwayDevices;
  /** Deletes a queue that is full, and tells its device. */
  voidQueue: (device: Device) => Promise<void>;
  /** Deletes the deepest queues of the device's shard, which is full. */
  makeRoom: (device: Device) => Promise<void>;
  metrics: RouterMetrics;
  logger: Logger;
};

export type DeviceEvent = {
  device: Device;
  eventId: string;
  payload: Uint8Array;
  /** An event that may not be offered goes to the queue. */
  mayOffer: boolean;
  outcome: Outcome;
};

/**
 * At most this many lines without an event are kept. The oldest is dropped for another: only the
 * order of events depends on it. Lines with events are bounded by the offers and the publishes.
 */
const IDLE_MAX = 65_536;
/**
 * While so many events, or payloads of this size, are on their way to devices and queues, the
 * conversations wait before they append more.
 */
const EVENTS_HIGH = 32_768;
const BYTES_HIGH = heapShare(1 / 4, 192 * 1024 ** 2);
/** Payloads of this size may be on offer. Further events go to the queues without an offer. */
const OFFERED_BYTES_MAX = heapShare(1 / 12, 64 * 1024 ** 2);
const TRIES = 3;
const RETRY_DELAY_MS = 300;
const SWEEP_MS = 1_000;

/**
 * Brings events to devices: it offers them to the devices that are there, and publishes to the
 * queue of each what this device does not take. Each device has a line (`device-line.ts`), which
 * keeps its events in order. Offers and publishes leave in the order of the calls of `add` and of
 * the answers, on one connection.
 *
 * A full queue is voided, and the deepest queues of a full shard are. Such an event, and one that
 * the stream does not acknowledge in 2 s, is tried three times, and then it is missed. It may come
 * behind newer events.
 */
export class DeviceLines implements LineListener {
  readonly #deps: Deps;
  readonly #lines = new Map<string, DeviceLine<LineEvent>>();
  /** The lines without events that are kept, the oldest first. */
  readonly #idle = new Map<string, DeviceLine<LineEvent>>();
  /** Queues that were full were voided at these times, by `steadyMs`. */
  readonly #voidedAtMs = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  readonly #room = new Room(() => this.#events < EVENTS_HIGH && this.#bytes < BYTES_HIGH);
  #events = 0;
  #bytes = 0;
  #offered = 0;
  #offeredBytes = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#timer = setInterval(() => this.#sweep(steadyMs()), SWEEP_MS);
  }

  get size(): number {
    return this.#lines.size;
  }

  /** Counts the offers that wait for an answer. */
  get offered(): number {
    return this.#offered;
  }

  /** Counts the events that devices or queues are to have. */
  get events(): number {
    return this.#events;
  }

  /**
   * Resolves once fewer than 32 768 events with less than 192 MiB are on their way. The result is
   * undefined if that is so now.
   */
  room(): Promise<void> | undefined {
    return this.#room.wait();
  }

  /** Brings an event to a device. `outcome` hears of it, maybe before this returns. */
  add({ device, eventId, payload, mayOffer, outcome }: DeviceEvent): void {
    const name = queueName(device.userId, device.deviceId);
    const nowMs = steadyMs();
    const line = this.#lineOf(name);
    const parts = { device, name, msgId: `${eventId}:${name}`, payload, outcome };
    const event = new LineEvent(parts, {
      line,
      listener: this,
      deadlineAt: nowMs + OFFER_TIMEOUT_MS,
    });
    this.#events += 1;
    this.#bytes += payload.length;
    const isThere = mayOffer && !this.#deps.away.isAway(name, nowMs);
    if (line.add(event, isThere && this.#offeredBytes < OFFERED_BYTES_MAX)) {
      this.#offer(event, nowMs);
      return;
    }
    outcome.declined();
    this.#publishDue(line);
  }

  /**
   * The device gets a new queue of this name. It holds nothing of what the line had published, and
   * its stream may give lower numbers than before, because a lost end may be why it is new.
   */
  remade(name: string): void {
    this.#lines.get(name)?.forgetSeq();
  }

  /** After a lost connection, a stream may give lower numbers, and devices may be elsewhere. */
  disconnected(): void {
    for (const line of this.#lines.values()) line.forgetSeq();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  answered(event: LineEvent, msg: Msg): void {
    this.#offerEnded(event);
    const answer = readOfferAnswer(msg.data);
    this.#deps.metrics.offers.inc(answer === 'queue' ? REFUSED : TAKEN);
    if (event.state !== 'offered') return;
    if (answer === 'queue') {
      event.line.refuse(event);
      event.outcome.declined();
    } else {
      this.#leave(event);
      event.outcome.taken(event.device.deviceId, answer === 'takenInUse');
    }
    this.#publishDue(event.line);
    this.#rest(event);
  }

  unanswered(event: LineEvent, failure: Failure): void {
    this.#offerEnded(event);
    const isNobodyThere = failure === 'nobody';
    this.#deps.metrics.offers.inc(isNobodyThere ? NOBODY : LATE);
    if (isNobodyThere) this.#deps.away.notFound(event.name, steadyMs());
    if (event.state !== 'offered') return;
    if (isNobodyThere) {
      for (const older of event.line.refuseUpTo(event)) older.outcome.declined();
    } else {
      event.line.refuse(event);
    }
    event.outcome.declined();
    this.#publishDue(event.line);
  }

  stored(event: LineEvent, seq: number): void {
    event.line.acknowledged(seq, steadyMs());
    this.#leave(event);
    event.outcome.queued();
    this.#rest(event);
  }

  notStored(event: LineEvent, why: NotStored): void {
    const { metrics, logger } = this.#deps;
    metrics.publishFailures.inc();
    if (event.tries < TRIES) {
      void this.#tryAgain(event, why);
      return;
    }
    logger.warn({ why, tries: event.tries }, 'fan-out stays owed');
    this.#leave(event);
    event.outcome.missed();
    this.#publishDue(event.line);
    this.#rest(event);
  }

  #lineOf(name: string): DeviceLine<LineEvent> {
    const known = this.#lines.get(name);
    if (known !== undefined) {
      this.#idle.delete(name);
      return known;
    }
    const line = new DeviceLine<LineEvent>();
    this.#lines.set(name, line);
    return line;
  }

  #offer(event: LineEvent, nowMs: number): void {
    const { device, payload, line } = event;
    this.#offered += 1;
    this.#offeredBytes += payload.length;
    const after = line.after(nowMs);
    const headerLines = after > 0 ? `${AFTER_HEADER}: ${after}\r\n` : undefined;
    const subject = subjects.device(device.userId, device.deviceId);
    this.#deps.mux.send({ subject, payload, headerLines }, event);
  }

  #offerEnded({ payload }: LineEvent): void {
    this.#offered -= 1;
    this.#offeredBytes -= payload.length;
  }

  #publishDue(line: DeviceLine<LineEvent>): void {
    for (let due = line.nextDue(); due !== undefined; due = line.nextDue()) this.#publish(due);
  }

  #publish(event: LineEvent): void {
    event.tries += 1;
    event.publishedAtMs = steadyMs();
    this.#deps.publisher.publish(event);
  }

  async #tryAgain(event: LineEvent, { what, reason }: NotStored): Promise<void> {
    const { makeRoom, logger } = this.#deps;
    try {
      if (what === 'queue full') await this.#voidOnce(event);
      if (what === 'shard full') await makeRoom(event.device);
    } catch (error) {
      logger.warn({ err: error, reason }, 'a full queue could not be deleted');
    }
    setTimeout(() => this.#publish(event), RETRY_DELAY_MS * event.tries);
  }

  /** Voids the queue, unless another event of the line had it voided since this one was sent. */
  async #voidOnce({ name, device, publishedAtMs }: LineEvent): Promise<void> {
    const voidedAtMs = this.#voidedAtMs.get(name) ?? 0;
    if (publishedAtMs <= voidedAtMs) return;
    this.#voidedAtMs.set(name, steadyMs());
    await this.#deps.voidQueue(device);
  }

  #leave(event: LineEvent): void {
    event.line.leave(event);
    this.#events -= 1;
    this.#bytes -= event.payload.length;
    this.#room.check();
  }

  /** Drops a line that has no event, unless its queue may not have sent the last one yet. */
  #rest({ name, line }: LineEvent): void {
    if (!line.isIdle) return;
    if (!line.isKept(steadyMs())) {
      this.#lines.delete(name);
      return;
    }
    this.#idle.set(name, line);
    if (this.#idle.size > IDLE_MAX) this.#drop(this.#idle.keys().next().value);
  }

  #drop(name: string | undefined): void {
    if (name === undefined) return;
    this.#idle.delete(name);
    this.#lines.delete(name);
  }

  #sweep(nowMs: number): void {
    this.#deps.away.sweep(nowMs);
    for (const [name, line] of this.#idle) {
      if (line.isKept(nowMs)) break;
      this.#drop(name);
    }
    for (const [name, voidedAtMs] of this.#voidedAtMs) {
      if (nowMs - voidedAtMs > VOIDED_KEPT_MS) this.#voidedAtMs.delete(name);
    }
  }
}

/** No publish that was in flight when its queue was voided is answered later than this. */
const VOIDED_KEPT_MS = 10_000;
/** An event that was taken in use counts as taken. */
const TAKEN = { outcome: 'taken' };
const REFUSED = { outcome: 'queue' };
const NOBODY = { outcome: 'free' };
const LATE = { outcome: 'late' };
