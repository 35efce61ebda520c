import { setTimeout as delay } from 'node:timers/promises';
import { Acknowledger } from '../fleet/acknowledger.ts';
import { AwayDevices } from '../fleet/away-devices.ts';
import { Connection } from '../fleet/connection.ts';
import { Fleet, type FleetOptions } from '../fleet/fleet.ts';
import { Heartbeat } from '../fleet/heartbeat.ts';
import { localAddressesOf } from '../fleet/local-addresses.ts';
import { awayPlacesOf } from '../people/away-places.ts';
import { type OpenedConversation, openConversations } from '../people/conversations.ts';
import { byConversation, placesOf } from '../people/crowd.ts';
import { mintTokens } from '../people/tokens.ts';
import { Inbound } from '../traffic/inbound.ts';
import { Ledger } from '../traffic/ledger.ts';
import { MessageKeys } from '../traffic/message-key.ts';
import { Mix } from '../traffic/mix.ts';
import { flickersFor } from '../traffic/mix-rates.ts';
import { Recovery } from '../traffic/recovery.ts';
import { Schedule } from '../traffic/schedule.ts';
import { Traffic } from '../traffic/traffic.ts';
import type { Progress, WorkerPlan, WorkerResult } from './worker-calls.ts';

const MS_PER_S = 1_000;
/** Connecting may take this much longer than its pace needs, for refusals and their delays. */
const CONNECT_GRACE_MS = 60_000;
const SETTLE_POLL_MS = 20;
/** The worker waits this long at the end, to see late repeats too. */
const TAIL_MS = 1_000;
const CLOSE_GRACE_MS = 2_000;

type Running = {
  mix: Mix | undefined;
  traffic: Traffic;
  ledger: Ledger;
  recovery: Recovery;
  before: number[];
};

/**
 * A worker is one process of the generator. It has a share of the people, from their tokens to what
 * they received.
 */
export class BenchWorker {
  readonly #plan: WorkerPlan;
  readonly #keys = new MessageKeys();
  readonly #fleet: Fleet;
  readonly #inbound: Inbound;
  readonly #acknowledger: Acknowledger;
  readonly #heartbeat: Heartbeat;
  readonly #sockets: Connection[][];
  readonly #away: AwayDevices;
  #conversations: OpenedConversation[] = [];
  #running: Running;
  #resumed = 0;
  #queuesMade = 0;

  /** Asks for tokens. Nothing is connected yet. */
  static async prepare(plan: WorkerPlan): Promise<BenchWorker> {
    const { options, worker, workers, edges } = plan;
    const places = placesOf({ ...options, workers, edges: edges.length }, worker);
    const people = [...new Set(places.map(({ userId }) => userId))];
    const tokens = await mintTokens(plan.kaha, people);
    const tokenOf = new Map(people.map((userId, index) => [userId, tokens[index]]));
    const connections = places.map(
      (place) => new Connection(place, tokenOf.get(place.userId) as string),
    );
    return new BenchWorker(plan, connections);
  }

  constructor(plan: WorkerPlan, connections: readonly Connection[]) {
    const { ackIntervalMs, devices, away } = plan.options;
    this.#plan = plan;
    this.#acknowledger = new Acknowledger(ackIntervalMs);
    this.#heartbeat = new Heartbeat(connections);
    this.#inbound = new Inbound(this.#keys, {
      accepted: (connection, isResumed) => {
        if (isResumed) this.#resumed += 1;
        else if (!connection.wasReady) this.#queuesMade += 1;
        this.#fleet.accept(connection);
      },
      goingAway: (connection, afterMs) => this.#fleet.leave(connection, afterMs),
    });
    const options = fleetOptionsOf(plan, connections.length);
    this.#fleet = new Fleet(connections, options, {
      text: (connection, view) => this.#inbound.take(connection, view),
      drained: (connection) => this.#acknowledger.drained(connection),
      ready: (connection) => this.#running.traffic.resume(connection),
      lost: (connection) => this.#lost(connection),
    });
    const places = connections.map(({ place }) => place);
    this.#sockets = byConversation(places, connections);
    const tokens = new Map(connections.map(({ place, token }) => [place.userId as string, token]));
    this.#away = new AwayDevices(
      awayPlacesOf(places, { devices, away, edges: plan.edges.length }),
      (userId) => tokens.get(userId) as string,
      options,
    );
    this.#running = this.#createRun();
  }

  /** Makes the device queues of the devices that are away. */
  async visit(): Promise<Progress> {
    const { options, workers } = this.#plan;
    await this.#away.visit(options.connectRatePerS / workers);
    return this.progress();
  }

  async connect(): Promise<Progress> {
    const { options, workers } = this.#plan;
    const ratePerS = options.connectRatePerS / workers;
    const paceMs = (this.#fleet.connections.length / ratePerS) * MS_PER_S;
    await this.#fleet.connectAll(ratePerS, paceMs + CONNECT_GRACE_MS);
    return this.progress();
  }

  async converse(): Promise<number> {
    const { edges } = this.#plan;
    const openings = this.#sockets.map((sockets) => {
      const [first] = sockets as [Connection];
      const people = [...new Set(sockets.map(({ place }) => place.userId))];
      return {
        edgeUrl: edges[first.edge] as string,
        token: first.token,
        others: people.filter((userId) => userId !== first.place.userId),
      };
    });
    this.#conversations = await openConversations(openings);
    this.#running = this.#createRun();
    return this.#conversations.length;
  }

  /** Sends from `startAt` on, then waits for what is missing. */
  async run(startAt: number): Promise<Progress> {
    const { mix, traffic, ledger } = this.#running;
    const { warmupS, durationS, settleS } = this.#plan.options;
    this.#inbound.traffic = traffic;
    this.#inbound.mix = mix;
    const localStart = performance.now() + startAt - Date.now();
    traffic.start(localStart);
    mix?.start(localStart);
    const endsAt = startAt + (warmupS + durationS) * MS_PER_S;
    const deadline = endsAt + settleS * MS_PER_S;
    await delay(Math.max(0, endsAt - Date.now()));
    const isOver = (): boolean => traffic.isAllSent && ledger.isSettled() && this.#isBack();
    while (Date.now() < deadline && !isOver()) {
      await delay(SETTLE_POLL_MS);
    }
    await delay(TAIL_MS);
    return this.progress();
  }

  /** Takes note that the edge was killed. */
  loseEdge(edge: number): void {
    this.#fleet.loseEdge(edge);
  }

  progress(): Progress {
    const { connections, readyCount, deadCount } = this.#fleet;
    const { traffic } = this.#running;
    return {
      ready: readyCount,
      waiting: connections.length - readyCount - deadCount,
      dead: deadCount,
      away: this.#away.counts.away,
      sent: traffic.sentCount,
      acknowledged: traffic.acknowledgedCount,
      delivered: traffic.deliveredCount,
      events: this.#inbound.queued,
      backlogMs: traffic.backlogMs(),
    };
  }

  /** Closes everything. Resolves with the result. */
  async finish(): Promise<WorkerResult> {
    const result = this.#result();
    this.#heartbeat.stop();
    this.#acknowledger.stop();
    this.#running.traffic.stop();
    this.#running.mix?.stop();
    this.#running.recovery.stop();
    this.#fleet.closeAll();
    const deadline = Date.now() + CLOSE_GRACE_MS;
    while (Date.now() < deadline && this.#fleet.readyCount > 0) await delay(SETTLE_POLL_MS);
    return result;
  }

  /** Tells whether nobody is on the way back from a killed edge. */
  #isBack(): boolean {
    if (this.#plan.options.reconnectKill === undefined) return true;
    const { connections, readyCount, deadCount } = this.#fleet;
    return readyCount + deadCount === connections.length;
  }

  #lost(connection: Connection): void {
    const { conversation, slot } = connection.place;
    this.#running.recovery.lost();
    if (conversation >= 0) this.#running.ledger.excuse(conversation, slot);
  }

  #createRun(): Running {
    const { options, worker, workers } = this.#plan;
    const { groupSize, devices, contentBytes, ratePerS, warmupS, durationS } = options;
    const flickers = options.mix ? flickersFor(ratePerS / workers) : 0;
    const conversations = Math.max(0, this.#conversations.length - flickers);
    const mix = options.mix ? this.#createMix(conversations) : undefined;
    const shape = { ratePerS, worker, workers, conversations, groupSize };
    const schedule = new Schedule({ ...shape, seconds: warmupS + durationS });
    const size = { messages: schedule.count, conversations, slots: groupSize * devices };
    const ledger = new Ledger(size, (message) => schedule.conversationOf(message));
    const traffic = new Traffic({
      schedule,
      ledger,
      keys: this.#keys,
      sockets: this.#sockets,
      conversationIds: this.#conversations.map(({ id }) => id),
      devices,
      contentBytes,
      warmupMs: warmupS * MS_PER_S,
      ...(mix !== undefined && {
        onDelivered: (connection, seq, isOwn) => mix.delivered(connection, seq, isOwn),
      }),
    });
    const before = this.#conversations.slice(0, conversations).map(({ lastSeq }) => lastSeq);
    return { mix, traffic, ledger, before, recovery: new Recovery(this.#fleet, traffic) };
  }

  #createMix(firstFlicker: number): Mix {
    const { ratePerS, warmupS, durationS } = this.#plan.options;
    return new Mix({
      ratePerS: ratePerS / this.#plan.workers,
      conversationIds: this.#conversations.map(({ id }) => id),
      sockets: this.#sockets,
      firstFlicker,
      fleet: this.#fleet,
      warmupMs: warmupS * MS_PER_S,
      endMs: (warmupS + durationS) * MS_PER_S,
    });
  }

  #result(): WorkerResult {
    const { mix, traffic, ledger, recovery, before } = this.#running;
    const { connections, readyCount, deadCount, endings, connectMs, returnMs } = this.#fleet;
    const { types, errors, pongs, queueGaps, earlier } = this.#inbound;
    return {
      connections: connections.length,
      ready: readyCount,
      dead: deadCount,
      resumed: this.#resumed,
      queuesMade: this.#queuesMade,
      away: this.#away.counts,
      endings,
      ledger: ledger.counts(before),
      conversations: this.#conversations.length,
      conversationsNew: this.#conversations.filter(({ isNew }) => isNew).length,
      histograms: {
        connect: connectMs.state(),
        return: returnMs.state(),
        ack: traffic.ackMs.state(),
        delivery: traffic.deliveryMs.state(),
        lag: traffic.lagMs.state(),
      },
      sentAgain: traffic.sentAgain,
      duplicates: traffic.duplicates,
      acksSent: this.#acknowledger.sent,
      pings: { sent: this.#heartbeat.sent, answered: pongs },
      queueGaps,
      earlier,
      types,
      errors,
      recovery: recovery.times,
      mix: mix?.result(),
    };
  }
}

function fleetOptionsOf({ options, edges }: WorkerPlan, connections: number): FleetOptions {
  const { auth, reconnectWindowS } = options;
  const localAddresses = localAddressesOf(edges, connections);
  return { edges, auth, reconnectWindowS, localAddresses };
}
