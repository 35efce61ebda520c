import type { Place } from './crowd.ts';

type AwayOptions = {
  /** This many devices of each person stay connected. */
  devices: number;
  /** Each person has this many further devices. */
  away: number;
  edges: number;
};

/**
 * Returns further devices of the same people. They are not among the sockets of a conversation, so
 * nobody waits for what they receive. Those of one person connect to different edges, as the
 * devices that stay do.
 */
export function awayPlacesOf(places: readonly Place[], options: AwayOptions): Place[] {
  const { devices, away, edges } = options;
  const people = new Map<string, Place>();
  for (const place of places) {
    if (!people.has(place.userId)) people.set(place.userId, place);
  }
  return [...people.values()].flatMap(({ index, userId, edge }) =>
    Array.from({ length: away }, (_, device) => ({
      index: index + device,
      userId,
      deviceId: `bench-away-${device + 1}`,
      edge: (edge + devices + device) % edges,
      conversation: -1,
      slot: -1,
    })),
  );
}
