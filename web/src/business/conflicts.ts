import type { BusinessState, ChatError } from '../../../clients/js/src/index.ts';

/** The server refuses a step with `CONFLICT` for one of these reasons. */
type Conflict =
  | { kind: 'full'; capacity: number; open: number }
  | { kind: 'taken'; assigneeId: string }
  | { kind: 'state'; state: BusinessState };

type Details = { capacity?: number; open?: number; assignee_id?: string; state?: BusinessState };

/** Reads why a step was refused, or returns undefined if it was no conflict. */
export function conflictOf({ code, details }: ChatError): Conflict | undefined {
  if (code !== 'CONFLICT' || typeof details !== 'object' || details === null) return undefined;
  const { capacity, open, assignee_id: assigneeId, state } = details as Details;
  if (capacity !== undefined && open !== undefined) return { kind: 'full', capacity, open };
  if (assigneeId !== undefined) return { kind: 'taken', assigneeId };
  return state === undefined ? undefined : { kind: 'state', state };
}

type Names = { agent: string; nameOf(userId: string): string };

/** Says a conflict in words. `agent` is whom the conversation was meant for, as "you". */
export function sayConflict(conflict: Conflict, { agent, nameOf }: Names): string {
  switch (conflict.kind) {
    case 'full': {
      const { open, capacity } = conflict;
      const has = agent === 'you' ? 'You have' : `${agent} has`;
      return `${has} ${open} of ${capacity} conversations already.`;
    }
    case 'taken':
      return `${nameOf(conflict.assigneeId)} was faster and has this conversation now.`;
    case 'state':
      return conflict.state === 'closed'
        ? 'This conversation was closed meanwhile.'
        : `This conversation is ${conflict.state} now.`;
  }
}
