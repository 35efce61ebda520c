import type { Place } from './crowd.ts';

export type AwayOptions = {
  /** Devices of each person that stay connected. */
  devices: number;
  /** Further devices of each person. */
  away: number;
  edges: number;
};

/**
 * Further devices of the same people, which are in no conversation's sockets: nobody waits for
 * what they receive. Like the devices that stay, those of one person connect to different edges.
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
