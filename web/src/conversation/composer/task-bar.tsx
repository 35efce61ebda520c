import type { ShownMessage } from '../../../../clients/js/src/index.ts';
import { Icon } from '../../parts/icon.tsx';
import { quotedText } from '../message/quote.tsx';

/** The composer replies to a message, or changes one. Without a task it writes a new one. */
export type Task = {
  kind: 'reply' | 'edit';
  message: ShownMessage;
};

type Props = {
  task: Task;
  /** The message has this sender. */
  name: string;
  onCancel: () => void;
};

/** Stands above the composer and says which message one replies to, or edits. */
export function TaskBar({ task, name, onCancel }: Props) {
  const { kind, message } = task;
  const isEdit = kind === 'edit';
  return (
    <div class="task">
      <Icon name={kind} />
      <div class="task-text">
        <p class="task-title" dir="auto">
          {isEdit ? 'Edit message' : `Reply to ${name}`}
        </p>
        <p class="task-quote" dir="auto">
          {quotedText(message)}
        </p>
      </div>
      <button
        type="button"
        class="icon-button"
        aria-label={isEdit ? 'Stop editing' : 'Do not reply'}
        onClick={onCancel}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}
