import type { ConversationShape } from '../../shared/protocol/shapes.ts';
import { type Tally, tallyOne } from '../figures/tally.ts';
import { Acknowledger } from '../fleet/acknowledger.ts';
import { Connection } from '../fleet/connection.ts';
import { Fleet } from '../fleet/fleet.ts';
import { Heartbeat } from '../fleet/heartbeat.ts';
import { localAddressesOf } from '../fleet/local-addresses.ts';
import { mintTokens } from '../people/tokens.ts';
import type { View } from '../websocket/frame-cursor.ts';
import { headOf, numberField, typeOf, wholeOf } from '../websocket/frame-text.ts';
import { type BusinessPeople, businessOf } from './business-people.ts';
import { Requests } from './requests.ts';

type CrowdParts = { edges: readonly string[]; kaha: string; people: BusinessPeople };
type Told = (agent: Connection, conversation: ConversationShape) => void;

const CONNECT_GRACE_MS = 60_000;
const RECONNECT_WINDOW_S = 10;
const MS_PER_S = 1_000;

/**
 * Holds the connections of agents and customers. Whenever an agent connects, they become available
 * and watch the inbox of their business.
 */
export class BusinessCrowd {
  readonly requests = new Requests();
  /** The tally counts events by type, and errors that answer nothing by code. */
  readonly events: Tally = {};
  readonly connections: readonly Connection[];
  /** This is called with the conversation of each event `conversation` of an agent. */
  onTold: Told = () => undefined;
  /** So many times an agent has become available. */
  availableCount = 0;
  readonly #people: BusinessPeople;
  readonly #fleet: Fleet;
  readonly #acknowledger = new Acknowledger(0);
  readonly #heartbeat: Heartbeat;

  /** Asks for tokens. Nothing is connected yet. */
  static async prepare({ edges, kaha, people }: CrowdParts): Promise<BusinessCrowd> {
    const { places } = people;
    const tokens = await mintTokens(
      kaha,
      places.map(({ userId }) => userId),
    );
    const connections = places.map((place, index) => new Connection(place, String(tokens[index])));
    return new BusinessCrowd({ edges, people, connections });
  }

  constructor({ edges, people, connections }: Omit<CrowdParts, 'kaha'> & Connections) {
    this.#people = people;
    this.connections = connections;
    this.#heartbeat = new Heartbeat(connections);
    const localAddresses = localAddressesOf(edges, connections.length);
    this.#fleet = new Fleet(
      connections,
      { edges, auth: 'header', reconnectWindowS: RECONNECT_WINDOW_S, localAddresses },
      {
        text: (connection, view) => this.#take(connection, view),
        drained: (connection) => this.#acknowledger.drained(connection),
        ready: (connection) => void this.#serve(connection),
        lost: (connection) => this.requests.lose(connection),
      },
    );
  }

  get readyCount(): number {
    return this.#fleet.readyCount;
  }

  /** The tally counts why connections were refused or lost. */
  get endings(): Tally {
    return this.#fleet.endings;
  }

  async connect(ratePerS: number): Promise<void> {
    const paceMs = (this.connections.length / ratePerS) * MS_PER_S;
    await this.#fleet.connectAll(ratePerS, paceMs + CONNECT_GRACE_MS);
  }

  close(): void {
    this.#heartbeat.stop();
    this.#acknowledger.stop();
    this.#fleet.closeAll();
  }

  async #serve(connection: Connection): Promise<void> {
    const { index } = connection.place;
    if (index >= this.#people.agents) return;
    const business_id = this.#people.businessIds[businessOf(index, this.#people)];
    const status = 'available';
    const set = await this.requests.ask(connection, { type: 'availability', business_id, status });
    if (set !== undefined) this.availableCount += 1;
    await this.requests.ask(connection, { type: 'inbox_watch', business_id });
  }

  #take(connection: Connection, view: View): void {
    const head = headOf(view);
    const type = typeOf(head);
    if (head.startsWith('{"q":')) connection.lastQ = numberField(head, '"q":');
    if (type === 'auth_ok') this.#fleet.accept(connection);
    else if (type === 'reply' || type === 'error') this.#answered(wholeOf(view));
    else if (type === 'going_away') {
      this.#fleet.leave(connection, numberField(head, '"reconnect_after_ms":'));
    } else {
      if (type !== 'pong') tallyOne(this.events, type);
      if (type === 'conversation' && connection.place.index < this.#people.agents) {
        const event = JSON.parse(wholeOf(view)) as { conversation: ConversationShape };
        this.onTold(connection, event.conversation);
      }
    }
  }

  #answered(text: string): void {
    if (!this.requests.take(text)) tallyOne(this.events, 'answer to nothing');
  }
}

type Connections = { connections: readonly Connection[] };
