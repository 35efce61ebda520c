/**
 * Chooses the router for a key by rendezvous hashing. Every edge chooses the same router without
 * talking to another, and a router that comes or goes moves only the keys that it gets or had.
 * Returns undefined where there is no router.
 */
export function firstFor(key: string, instances: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestWeight = -1;
  for (const instance of instances) {
    const weight = weightOf(key, instance);
    const isBetter = weight > bestWeight || (weight === bestWeight && instance < (best as string));
    if (!isBetter) continue;
    best = instance;
    bestWeight = weight;
  }
  return best;
}

/**
 * Hashes router and key with FNV-1a, then with the finalizer of MurmurHash3, because FNV alone
 * spreads similar keys badly.
 */
function weightOf(key: string, instance: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < instance.length; i += 1) {
    hash = Math.imul(hash ^ instance.charCodeAt(i), 0x01000193);
  }
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
