import { createHash } from 'node:crypto';
import type { UserId } from '../../shared/ids.ts';

export type CrowdOptions = {
  connections: number;
  devices: number;
  groupSize: number;
  sameEdge: boolean;
  edges: number;
  workers: number;
  /** The same seed gives the same people, so that their queues are used again. */
  seed: string;
};

/**
 * A place stands for one socket: the device of a person, where it connects and whom it talks to.
 */
export type Place = {
  index: number;
  userId: UserId;
  deviceId: string;
  edge: number;
  /**
   * The conversation has this number among those of the worker. It is -1 if the place is in none.
   */
  conversation: number;
  /** The socket has this number among those of the conversation. */
  slot: number;
};

const HEX_DIGITS = 32;

/**
 * Returns the places of one worker. Everybody in a conversation belongs to the same worker, so that
 * it can judge alone what arrived. Neighbours are on different edges unless told otherwise. People
 * who are left over by the division into groups only hold their connections.
 */
export function placesOf(options: CrowdOptions, worker: number): Place[] {
  const { connections, devices, groupSize, workers } = options;
  const people = Math.floor(connections / devices);
  const groups = Math.floor(people / groupSize);
  const isLast = worker === workers - 1;
  const firstGroup = Math.floor((groups * worker) / workers);
  const endGroup = Math.floor((groups * (worker + 1)) / workers);
  const endPerson = isLast ? people : endGroup * groupSize;
  const places: Place[] = [];
  for (let person = firstGroup * groupSize; person < endPerson; person += 1) {
    const group = Math.floor(person / groupSize);
    const userId = userIdOf(options.seed, person);
    for (let device = 0; device < devices; device += 1) {
      places.push({
        index: person * devices + device,
        userId,
        deviceId: `bench-${device + 1}`,
        edge: (options.sameEdge ? group : person + device) % options.edges,
        conversation: group < groups ? group - firstGroup : -1,
        slot: (person % groupSize) * devices + device,
      });
    }
  }
  return places;
}

/** Groups the sockets by conversation and slot. */
export function byConversation<Item>(places: readonly Place[], items: readonly Item[]): Item[][] {
  const groups: Item[][] = [];
  for (const [index, { conversation, slot }] of places.entries()) {
    if (conversation < 0) continue;
    groups[conversation] ??= [];
    const group = groups[conversation];
    group[slot] = items[index] as Item;
  }
  return groups;
}

/** Returns the id of a person. The same seed and number give the same id. */
export function userIdOf(seed: string, person: number): UserId {
  const hex = createHash('sha256').update(`${seed}:${person}`).digest('hex').slice(0, HEX_DIGITS);
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20),
  ];
  return parts.join('-') as UserId;
}
