import { useMemo } from 'preact/hooks';
import { useSession } from '../app/session.ts';
import { useValue } from '../app/use-value.ts';
import { describeRow, type Viewer } from './log/describe-row.ts';
import { rowsOf } from './log/rows.ts';
import { RowView } from './message/row-view.tsx';
import { useMessageActions } from './use-message-actions.ts';

/**
 * Shows what waits to be sent to a conversation that cannot be loaded yet, so that nobody who opens
 * the page without a connection takes their messages for lost.
 */
export function Unsent({ conversationId }: { conversationId: string }) {
  const { store, userId, nameOf } = useSession();
  const list = useMemo(() => store.messages(conversationId), [store, conversationId]);
  const { messages } = useValue(list);
  const actions = useMessageActions({ list, ...NOTHING });
  const rows = rowsOf({ messages, first: 0, end: messages.length, newSeq: undefined });
  const personOf: Viewer['personOf'] = (id) => ({ name: nameOf(id) ?? '' });
  const viewer: Viewer = { userId, canWrite: false, isAdmin: false, personOf };
  if (rows.length === 0) return null;
  return (
    <section class="unsent" aria-label="Messages that wait to be sent">
      {rows.slice(-ROWS_MAX).map(({ key, ...row }) => (
        <RowView
          key={key}
          {...row}
          {...describeRow(row.message, viewer)}
          {...{ isActive: false, isEntry: true, isFound: false, hasSenders: false, actions }}
        />
      ))}
    </section>
  );
}

const ROWS_MAX = 100;
const nothing = (): void => undefined;
const NOTHING = { onReply: nothing, onEdit: nothing, onRemove: nothing, onFound: nothing };
