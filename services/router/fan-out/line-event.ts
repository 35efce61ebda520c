import type { Msg } from '../../../shared/nats/bus.ts';
import type { Failure, Pending } from '../../../shared/nats/pending-replies.ts';
import type { Device } from '../queues/known-queues.ts';
import type { NotStored, QueueMessage } from '../queues/queue-publisher.ts';
import type { DeviceLine, ItemState, LineItem } from './device-line.ts';

/** Hears what becomes of one event at the devices of one user. */
export type Outcome = {
  /** The client of the device has acknowledged the event. */
  taken(deviceId: string, isInUse: boolean): void;
  /** The device was offered nothing, or has not taken the offer. It will not be offered again. */
  declined(): void;
  /** The queue of a device that declined has the event. */
  queued(): void;
  /** The queue of a device that declined does not take the event. */
  missed(): void;
};

type LineEventParts = {
  device: Device;
  /** The device's queue has this name. */
  name: string;
  msgId: string;
  payload: Uint8Array;
  outcome: Outcome;
};

/** Hears what becomes of an offer or a publish of an event. */
export type LineListener = {
  answered(event: LineEvent, msg: Msg): void;
  unanswered(event: LineEvent, failure: Failure): void;
  stored(event: LineEvent, seq: number): void;
  notStored(event: LineEvent, why: NotStored): void;
};

type Place = { line: DeviceLine<LineEvent>; listener: LineListener; deadlineAt: number };

/**
 * A line event is one event on its way to one device. It waits itself for the answers to its offer
 * and its publish, so neither costs a promise or a closure.
 */
export class LineEvent implements LineItem, Pending<Msg>, QueueMessage {
  readonly device: Device;
  readonly name: string;
  readonly msgId: string;
  readonly payload: Uint8Array;
  readonly outcome: Outcome;
  readonly line: DeviceLine<LineEvent>;
  readonly deadlineAt: number;
  readonly #listener: LineListener;
  state: ItemState = 'refused';
  /** The event was published this often. */
  tries = 0;
  /** The last publish began at this time, by `steadyMs`. */
  publishedAtMs = 0;

  constructor({ device, name, msgId, payload, outcome }: LineEventParts, place: Place) {
    this.device = device;
    this.name = name;
    this.msgId = msgId;
    this.payload = payload;
    this.outcome = outcome;
    this.line = place.line;
    this.deadlineAt = place.deadlineAt;
    this.#listener = place.listener;
  }

  answered(msg: Msg): void {
    this.#listener.answered(this, msg);
  }

  failed(failure: Failure): void {
    this.#listener.unanswered(this, failure);
  }

  stored(seq: number): void {
    this.#listener.stored(this, seq);
  }

  notStored(why: NotStored): void {
    this.#listener.notStored(this, why);
  }
}
