import type { Ref } from 'preact';
import {
  useEffect,
  useId,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
} from 'preact/hooks';
import { useSession } from '../../app/session.ts';
import { Icon } from '../../parts/icon.tsx';
import type { Drafts } from './drafts.ts';
import { type Task, TaskBar } from './task-bar.tsx';
import { limitOf } from './text-limit.ts';

export type ComposerHandle = { focus(): void };

type Props = {
  conversationId: string;
  drafts: Drafts;
  task: Task | undefined;
  nameOf: (userId: string) => string;
  /** The user gives the task up. */
  onCancel: () => void;
  onSend: (text: string) => void;
  /** The user wants to edit their newest message. */
  onEditLast: () => void;
  handle: Ref<ComposerHandle>;
};

/** The user writes here. What they have begun to write is kept for each conversation. */
export function Composer(props: Props) {
  const { task, nameOf, onCancel, onEditLast, handle } = props;
  const field = useRef<HTMLTextAreaElement>(null);
  const hintId = useId();
  const { text, write, submit } = useText(props);
  const { isRefused, hint } = limitOf(text);
  useImperativeHandle(handle, () => ({ focus: () => field.current?.focus() }));
  useEffect(() => {
    if (task) field.current?.focus();
  }, [task]);
  useEffect(() => fit(field.current));

  const onKeyDown = (event: KeyboardEvent): void => {
    // Enter also ends the composition of a character.
    if (event.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey) submit();
    else if (event.key === 'Escape' && task) onCancel();
    else if (event.key === 'ArrowUp' && text === '' && !task) onEditLast();
    else return;
    event.preventDefault();
  };
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    submit();
    field.current?.focus();
  };
  return (
    <form class="composer" aria-label="Write a message" onSubmit={onSubmit}>
      {task && <TaskBar task={task} name={nameOf(task.message.sender_id)} onCancel={onCancel} />}
      <div class="composer-line">
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          aria-label="Message"
          aria-describedby={hintId}
          aria-invalid={isRefused && hint !== undefined}
          placeholder="Message"
          value={text}
          onInput={({ currentTarget }) => write(currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        <button
          type="submit"
          class="send"
          aria-label={task?.kind === 'edit' ? 'Save' : 'Send'}
          disabled={isRefused}
        >
          <Icon name={task?.kind === 'edit' ? 'check' : 'send'} />
        </button>
      </div>
      <p id={hintId} class={`composer-hint ${isRefused ? 'problem' : ''}`} role="status">
        {hint}
      </p>
    </form>
  );
}

/** The text of an edit stands apart, so that the draft is there again after it. */
function useText({ conversationId, drafts, task, onSend }: Props) {
  const { store } = useSession();
  const [draft, setDraft] = useState(() => drafts.of(conversationId).text);
  const [edited, setEdited] = useState<{ task: Task; text: string }>();
  const isEdit = task?.kind === 'edit';
  const replyTo = task?.kind === 'reply' ? task.message.message_id : undefined;
  const written = edited?.task === task ? edited?.text : task?.message.content;
  const text = isEdit ? (written ?? '') : draft;

  // The page may be left before it is painted.
  useLayoutEffect(() => {
    drafts.keep(conversationId, replyTo === undefined ? { text: draft } : { text: draft, replyTo });
  }, [drafts, conversationId, draft, replyTo]);

  const write = (next: string): void => {
    if (isEdit) setEdited({ task, text: next });
    else {
      setDraft(next);
      store.setTyping(conversationId, next !== '');
    }
  };
  const submit = (): void => {
    if (limitOf(text).isRefused) return;
    onSend(text.trim());
    if (!isEdit) setDraft('');
  };
  return { text, write, submit };
}

/** Browsers that cannot fit a field to its text by themselves are told its height. */
function fit(field: HTMLTextAreaElement | null): void {
  if (!field || CSS.supports('field-sizing', 'content')) return;
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight + 2}px`;
}
