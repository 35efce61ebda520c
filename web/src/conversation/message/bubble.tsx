import type { ShownMessage } from '../../../../clients/js/src/index.ts';
import { Icon } from '../../parts/icon.tsx';
import { clockTime } from '../../parts/times.ts';
import { attachmentOf } from './attachment-facts.ts';
import type { MessageActions } from './message-actions.ts';
import { MessageText } from './message-text.tsx';
import { Quote } from './quote.tsx';
import { markOf, reasonOf } from './status.ts';

type Props = {
  message: ShownMessage;
  actions: MessageActions;
  /** Only the active message has parts that the Tab key reaches. */
  tabIndex: number;
  quotedName: string | undefined;
  isAutomatic: boolean;
};

/** Draws one message: what it replies to, its text, its time, and how far it has come. */
export function Bubble({ message, actions, tabIndex, quotedName, isAutomatic }: Props) {
  const { reply_to: quoted, deleted_at: deletedAt, content, status } = message;
  const absent = absentText(message);
  return (
    <div class={`bubble ${deletedAt ? 'deleted' : ''}`}>
      {quoted && !deletedAt && (
        <Quote
          quoted={quoted}
          senderName={quotedName ?? ''}
          tabIndex={tabIndex}
          onOpen={actions.openQuoted}
        />
      )}
      {isAutomatic && <p class="bubble-note">Automatic reply</p>}
      {!deletedAt && <Attachment message={message} />}
      <div class="bubble-body">
        {absent ? (
          <p class="bubble-deleted">{absent}</p>
        ) : (
          <MessageText text={content ?? ''} tabIndex={tabIndex} />
        )}
        <Meta message={message} />
      </div>
      {status === 'failed' && <Failure {...{ message, actions, tabIndex }} />}
    </div>
  );
}

/** Says why a message has no text. The result is undefined if it has one. */
export function absentText({ deleted_at, content }: ShownMessage): string | undefined {
  if (deleted_at) return 'This message was deleted';
  return content === undefined ? 'This message cannot be read now' : undefined;
}

function Attachment({ message }: { message: ShownMessage }) {
  const attachment = attachmentOf(message);
  if (!attachment) return null;
  const { kind, label, facts } = attachment;
  return (
    <div class="attachment">
      <Icon name={kind} />
      <div class="attachment-facts">
        <span class="attachment-label">{label}</span>
        {facts.map((fact) => (
          <span key={fact} dir="auto">
            {fact}
          </span>
        ))}
      </div>
    </div>
  );
}

function Meta({ message }: { message: ShownMessage }) {
  const { sent_at: sentAt, edited_at: editedAt, deleted_at: deletedAt } = message;
  const mark = markOf(message);
  return (
    <span class="bubble-meta">
      {editedAt && !deletedAt && <span>edited</span>}
      <time dateTime={sentAt}>{clockTime(sentAt)}</time>
      {mark && (
        <span class={`mark ${mark.isRead ? 'mark-read' : ''}`} role="img" aria-label={mark.label}>
          <Icon name={mark.icon} />
        </span>
      )}
    </span>
  );
}

type FailureProps = { message: ShownMessage; actions: MessageActions; tabIndex: number };

function Failure({ message, actions, tabIndex }: FailureProps) {
  return (
    <div class="failure">
      <p>{reasonOf(message)}</p>
      <button type="button" tabIndex={tabIndex} onClick={() => actions.retry(message)}>
        Try again
      </button>
      <button type="button" tabIndex={tabIndex} onClick={() => actions.discard(message)}>
        Discard
      </button>
    </div>
  );
}
