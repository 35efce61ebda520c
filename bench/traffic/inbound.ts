import { type Tally, tallyOne } from '../figures/tally.ts';
import type { Connection } from '../fleet/connection.ts';
import type { View } from '../websocket/frame-cursor.ts';
import { fieldStart, headOf, numberField, typeOf, wholeOf } from '../websocket/frame-text.ts';
import type { MessageKeys } from './message-key.ts';
import type { Mix } from './mix.ts';
import type { Traffic } from './traffic.ts';

type InboundEvents = {
  /** The edge sent `auth_ok`. `isResumed` says that the device queue was there. */
  accepted(connection: Connection, isResumed: boolean): void;
  goingAway(connection: Connection, afterMs: number): void;
};

const KEY_FIELD = '"client_msg_id":"';
const SEQ_FIELD = '"seq":';

/**
 * Takes the frames of the server apart. Frames that come for every message are scanned, rare ones
 * are parsed, and all others are counted by their type.
 */
export class Inbound {
  readonly types: Tally = {};
  /** The tally has the errors that answer no message. */
  readonly errors: Tally = {};
  pongs = 0;
  /** This many events came from queues. */
  queued = 0;
  /** This many queue numbers were left out within a session. */
  queueGaps = 0;
  /** This many messages of earlier runs were still in a queue. */
  earlier = 0;
  traffic: Traffic | undefined = undefined;
  mix: Mix | undefined = undefined;
  readonly #keys: MessageKeys;
  readonly #events: InboundEvents;

  constructor(keys: MessageKeys, events: InboundEvents) {
    this.#keys = keys;
    this.#events = events;
  }

  take(connection: Connection, view: View): void {
    const head = headOf(view);
    const type = typeOf(head);
    const q = head.startsWith('{"q":') ? numberField(head, '"q":') : 0;
    if (q > 0) {
      this.queued += 1;
      if (q !== connection.lastQ + 1) this.queueGaps += 1;
      connection.lastQ = q;
    }
    switch (type) {
      case 'message':
        this.#message(connection, head, q > 0);
        break;
      case 'reply':
        this.#reply(connection, head);
        break;
      case 'pong':
        this.pongs += 1;
        break;
      case 'auth_ok':
        this.#events.accepted(connection, head.includes('"resumed":true'));
        break;
      case 'going_away':
        this.#events.goingAway(connection, numberField(head, '"reconnect_after_ms":'));
        break;
      case 'error':
        this.#error(connection, wholeOf(view));
        break;
      default:
        tallyOne(this.types, type === '' ? 'unknown' : type);
        this.#aside(connection, type, head);
    }
  }

  #aside(connection: Connection, type: string, head: string): void {
    if (type === 'receipt') this.mix?.receipt(connection, head);
    else if (type === 'typing') this.mix?.typing(connection, head);
    else if (type === 'presence') this.mix?.presence();
  }

  #message(connection: Connection, head: string, isQueued: boolean): void {
    const message = this.#keys.messageAt(head, fieldStart(head, KEY_FIELD));
    if (message < 0) this.earlier += 1;
    else {
      const seq = numberField(head, SEQ_FIELD);
      this.traffic?.delivered(connection, message, { seq, isQueued });
    }
  }

  #reply(connection: Connection, head: string): void {
    const message = this.#keys.messageAt(head, fieldStart(head, KEY_FIELD));
    if (message < 0) {
      if (head.includes('"last_read_seq":')) this.mix?.readAnswered();
      else tallyOne(this.types, 'reply to nothing');
      return;
    }
    const again = head.includes('"duplicate":true');
    const seq = numberField(head, SEQ_FIELD);
    this.traffic?.acknowledged(connection, message, { seq, again });
  }

  #error(connection: Connection, text: string): void {
    const { error } = JSON.parse(text) as { error: { code: string } };
    const message = this.#keys.messageAt(text, fieldStart(text, KEY_FIELD));
    if (message < 0) tallyOne(this.errors, error.code);
    else this.traffic?.failed(connection, message, error.code);
  }
}
