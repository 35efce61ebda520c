type Handler<Event> = (event: Event) => unknown;

export type Emitter<Events extends object> = {
  /** Returns a function that takes the handler out again. */
  on<Type extends keyof Events>(type: Type, handler: Handler<Events[Type]>): () => void;
  has(type: keyof Events): boolean;
  /**
   * Calls the handlers of the type, one after the other. Returns a promise if one of them returned
   * one; it resolves once all have finished, and never rejects.
   */
  emit<Type extends keyof Events>(type: Type, event: Events[Type]): Promise<unknown> | undefined;
};

/**
 * Calls the handlers of an application. A handler that fails harms neither the client nor the other
 * handlers: its error goes to `onError`, with the type of the event.
 */
export function createEmitter<Events extends object>(
  onError: (error: unknown, type: keyof Events) => void,
): Emitter<Events> {
  // The same function may be given twice, and is then called twice.
  const entries = new Set<{ type: keyof Events; handler: Handler<never> }>();
  return {
    on(type, handler) {
      const entry = { type, handler };
      entries.add(entry);
      return () => void entries.delete(entry);
    },
    has: (type) => [...entries].some((entry) => entry.type === type),
    emit(type, event) {
      const fail = (error: unknown): void => onError(error, type);
      const working: PromiseLike<unknown>[] = [];
      for (const entry of [...entries]) {
        if (entry.type !== type) continue;
        try {
          const result = entry.handler(event as never) as PromiseLike<unknown> | undefined;
          if (result?.then) working.push(result.then(undefined, fail));
        } catch (error) {
          fail(error);
        }
      }
      return working.length > 0 ? Promise.all(working) : undefined;
    },
  };
}
