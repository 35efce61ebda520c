export type AskedCounts = {
  batch_calls: number;
  ids: number;
  /** The largest call had this many ids. */
  ids_max: number;
  in_flight: number;
  in_flight_max: number;
  /** The id that was asked for most often was asked for this many times. */
  asked_most: number;
  /** This many ids were asked for while another call for them was not answered. */
  overlaps: number;
  refused: number;
};

/** This many distinct ids are remembered. Beyond that number `asked_most` covers only these. */
const IDS_MAX = 1_000_000;

/** The counts say what the stand-in was asked since the last reset. */
export class Asked {
  #counts = zero();
  #times = new Map<string, number>();
  readonly #inFlight = new Map<string, number>();

  /**
   * Counts a call for these ids. The caller calls the result when the call is over, however it
   * ends.
   */
  begin(ids: readonly string[]): () => void {
    const counts = this.#counts;
    counts.batch_calls += 1;
    counts.ids += ids.length;
    counts.ids_max = Math.max(counts.ids_max, ids.length);
    counts.in_flight += 1;
    counts.in_flight_max = Math.max(counts.in_flight_max, counts.in_flight);
    for (const id of ids) {
      const running = this.#inFlight.get(id) ?? 0;
      if (running > 0) counts.overlaps += 1;
      this.#inFlight.set(id, running + 1);
      const times = (this.#times.get(id) ?? 0) + 1;
      if (times > 1 || this.#times.size < IDS_MAX) this.#times.set(id, times);
      counts.asked_most = Math.max(counts.asked_most, times);
    }
    return () => {
      this.#counts.in_flight -= 1;
      for (const id of ids) {
        const running = (this.#inFlight.get(id) ?? 1) - 1;
        if (running > 0) this.#inFlight.set(id, running);
        else this.#inFlight.delete(id);
      }
    };
  }

  refuse(): void {
    this.#counts.refused += 1;
  }

  reset(): void {
    const { in_flight } = this.#counts;
    this.#counts = { ...zero(), in_flight, in_flight_max: in_flight };
    this.#times = new Map();
  }

  get counts(): AskedCounts {
    return { ...this.#counts };
  }
}

function zero(): AskedCounts {
  const calls = { batch_calls: 0, ids: 0, ids_max: 0, in_flight: 0, in_flight_max: 0 };
  return { ...calls, asked_most: 0, overlaps: 0, refused: 0 };
}
