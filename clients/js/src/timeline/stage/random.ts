/** A seed gives the same numbers each time, so a run that fails can be played again. */
export type Random = { below(bound: number): number; chance(part: number): boolean };

const MODULUS = 2 ** 32;

/** This is the generator mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const number = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / MODULUS;
  };
  return {
    below: (bound) => Math.floor(number() * bound),
    chance: (part) => number() < part,
  };
}
