import { useEffect, useReducer } from 'preact/hooks';
import { useSession } from './session.ts';

/** Counts the messages that wait to be sent, and those that have failed. */
export function useOutbox(): { waiting: number; failed: number } {
  const { chat } = useSession();
  const [, redraw] = useReducer((changes: number) => changes + 1, 0);
  useEffect(() => chat.on('outbox', () => redraw(undefined)), [chat]);
  const entries = chat.outbox.list();
  const failed = entries.filter(({ error }) => error !== undefined).length;
  return { waiting: entries.length - failed, failed };
}
