/**
 * Rendezvous hashing: every edge chooses the same router for a key, without talking to another; a
 * router that comes or goes moves only the keys it gets or had. Undefined where there is none.
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

/** FNV-1a over both, then the finalizer of MurmurHash3: FNV alone spreads like keys badly. */
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
