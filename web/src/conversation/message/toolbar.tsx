import { useRef, useState } from 'preact/hooks';
import type { ShownMessage } from '../../../../clients/js/src/index.ts';
import { Icon } from '../../parts/icon.tsx';
import { Menu } from '../../parts/menu.tsx';
import { notify } from '../../parts/notice.ts';
import type { ActionName, MessageActions } from './message-actions.ts';
import { ReactionPicker } from './reactions.tsx';

type Props = {
  message: ShownMessage;
  names: readonly ActionName[];
  actions: MessageActions;
  canReact: boolean;
  /** The menu opens upwards in the lower half of the log. */
  isLow: boolean;
};

/** Stands beside the message that is hovered or active: react, and all that else can be done. */
export function Toolbar({ message, names, actions, canReact, isLow }: Props) {
  const [isPicking, setPicking] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const close = (): void => {
    setPicking(false);
    // The palette has the focus and goes, so the message takes it.
    root.current?.closest('article')?.focus();
  };
  const pick = (emoji: string): void => {
    close();
    const isMine = message.reactions.some((one) => one.emoji === emoji && one.mine);
    actions.react(message, emoji, isMine);
  };
  return (
    <div ref={root} class={`toolbar ${isLow ? 'toolbar-low' : ''}`}>
      {canReact && (
        <button
          type="button"
          class="icon-button"
          aria-label="React"
          aria-expanded={isPicking}
          onClick={() => setPicking(!isPicking)}
        >
          <Icon name="smile" />
        </button>
      )}
      {isPicking && <ReactionPicker onPick={pick} onClose={close} />}
      <Menu
        label="Message actions"
        icon="more"
        items={names.map((name) => ({
          ...ITEMS[name],
          onSelect: () => (name === 'copy' ? copy(message) : actions[name](message)),
        }))}
      />
    </div>
  );
}

const ITEMS = {
  reply: { label: 'Reply', icon: 'reply' },
  copy: { label: 'Copy text', icon: 'copy' },
  edit: { label: 'Edit', icon: 'edit' },
  remove: { label: 'Delete', icon: 'trash', isDanger: true },
  retry: { label: 'Try again', icon: 'retry' },
  discard: { label: 'Do not send', icon: 'trash', isDanger: true },
} as const;

async function copy({ content = '' }: ShownMessage): Promise<void> {
  try {
    await navigator.clipboard.writeText(content);
    notify('Copied');
  } catch (error) {
    void error;
    notify('The browser does not let the page copy.');
  }
}
