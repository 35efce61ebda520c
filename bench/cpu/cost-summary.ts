/** A sample says which function ran for how long, and which one had begun its work. */
export type Sample = { us: number; what: string; starter: string };
export type Cost = { what: string; ms: number };

type CostSummary = {
  busyMs: number;
  /** The list has the time within each function itself, the longest first. */
  functions: Cost[];
  /**
   * The list has the time of all work that each timer, handler or loop began, the longest first.
   */
  starters: Cost[];
};

const US_PER_MS = 1_000;

/** The summary adds up samples by function, and by what began the work. */
export function summarizeCosts(samples: readonly Sample[]): CostSummary {
  const functions = new Map<string, number>();
  const starters = new Map<string, number>();
  let busyUs = 0;
  for (const { us, what, starter } of samples) {
    busyUs += us;
    add(functions, what, us);
    add(starters, starter, us);
  }
  return {
    busyMs: busyUs / US_PER_MS,
    functions: costsOf(functions),
    starters: costsOf(starters),
  };
}

function add(sums: Map<string, number>, key: string, us: number): void {
  sums.set(key, (sums.get(key) ?? 0) + us);
}

function costsOf(sums: ReadonlyMap<string, number>): Cost[] {
  return [...sums].map(([what, us]) => ({ what, ms: us / US_PER_MS })).sort((a, b) => b.ms - a.ms);
}
