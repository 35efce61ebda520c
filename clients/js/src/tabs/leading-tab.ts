import type { Engine } from '../engine/engine.ts';
import type { LineEvent } from '../engine/line.ts';
import { ChatError } from '../errors.ts';
import type { ConnectionState, TabMessage } from './tab-message.ts';

type Deps = {
  /** A tab has this id among the others. */
  tab: string;
  say: (message: TabMessage) => void;
  engine: Engine;
  state: () => ConnectionState;
};

export type LeadingTab = {
  /** All other tabs get the event. */
  event(event: LineEvent): void;
  state(): void;
  hear(message: TabMessage): void;
};

const MS_PER_S = 1_000;

/** Serves the other tabs with the socket and the outbox of this one. */
export function createLeadingTab({ tab, say, engine, state }: Deps): LeadingTab {
  let number = 0;
  const greet = (): void =>
    say({ say: 'here', from: tab, number, state: state(), entries: engine.entries() });
  const carryOut = async (message: TabMessage & { say: 'do' }): Promise<void> => {
    const { method, argument, from, id } = message;
    const result = engine[method](argument as never, from);
    if (id === undefined) return;
    const answer = { say: 'answer', to: from, id } as const;
    try {
      say({ ...answer, data: await result });
    } catch (thrown) {
      const { code, message, details, retryAfterMs } = ChatError.from(thrown);
      const retry_after = (retryAfterMs ?? 0) / MS_PER_S;
      say({ ...answer, error: { code, message, details, retry_after } });
    }
  };
  greet();
  return {
    event(event) {
      number += 1;
      say({ say: 'event', from: tab, number, event });
    },
    state: () => say({ say: 'state', state: state() }),
    hear(message) {
      if (message.say === 'do') void carryOut(message);
      if (message.say !== 'hello') return;
      greet();
      // The timers of a hidden page are slowed down, so those of another drive the link.
      engine.take({ is: 'tick', lateMs: 0 });
    },
  };
}
