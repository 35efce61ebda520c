/** Remembers when agents surely were not available, because the system had said so. */
export class Absences {
  /** Each absence begins with an answer, and ends when the next change is asked for. */
  readonly #spans = new Map<string, { fromMs: number; toMs: number }[]>();

  /** The system has answered that the agent is away, offline, or no agent any more. */
  begin(businessId: string, agentId: string, atMs = Date.now()): void {
    const key = businessId + agentId;
    this.end(businessId, agentId, atMs);
    const spans = this.#spans.get(key) ?? [];
    this.#spans.set(key, [...spans, { fromMs: atMs, toMs: Number.POSITIVE_INFINITY }]);
  }

  /** The agent is about to change how they are. Whether it succeeds is not known yet. */
  end(businessId: string, agentId: string, atMs = Date.now()): void {
    const last = this.#spans.get(businessId + agentId)?.at(-1);
    if (last !== undefined) last.toMs = Math.min(last.toMs, atMs);
  }

  has(businessId: string, agentId: string, atMs: number): boolean {
    const spans = this.#spans.get(businessId + agentId) ?? [];
    return spans.some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs);
  }
}
