import { useRef } from 'preact/hooks';
import type { Reaction } from '../../../../clients/js/src/index.ts';

type Props = {
  reactions: readonly Reaction[];
  isDisabled: boolean;
  tabIndex: number;
  onToggle: (emoji: string, isMine: boolean) => void;
};

/** Shows how often each emoji was given. A press gives one's own, or takes it back. */
export function Reactions({ reactions, isDisabled, tabIndex, onToggle }: Props) {
  if (reactions.length === 0) return null;
  return (
    <ul class="reactions" aria-label="Reactions">
      {reactions.map(({ emoji, count, mine }) => (
        <li key={emoji}>
          <button
            type="button"
            class="reaction"
            tabIndex={tabIndex}
            disabled={isDisabled}
            aria-pressed={mine}
            aria-label={`${emoji} ${count}`}
            onClick={() => onToggle(emoji, mine)}
          >
            <span class="reaction-emoji">{emoji}</span>
            <span class="reaction-count">{count}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

const PALETTE = ['👍', '❤️', '😂', '🎉', '😮', '😢'];
const EMOJI_CHARACTERS_MAX = 32;

type PickerProps = { onPick: (emoji: string) => void; onClose: () => void };

/** Offers a few emoji, and a field for any other. */
export function ReactionPicker({ onPick, onClose }: PickerProps) {
  const field = useRef<HTMLInputElement>(null);
  const submit = (event: Event): void => {
    event.preventDefault();
    const emoji = field.current?.value.trim();
    if (emoji) onPick(emoji);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if (event.key !== 'Escape') return;
    event.preventDefault();
    onClose();
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset draws a border that cannot be shaped.
    <div class="picker" role="group" aria-label="React" onKeyDown={onKeyDown}>
      {PALETTE.map((emoji, index) => (
        <button
          key={emoji}
          ref={(button) => void (index === 0 && button?.focus())}
          type="button"
          class="picker-emoji"
          aria-label={`React with ${emoji}`}
          onClick={() => onPick(emoji)}
        >
          {emoji}
        </button>
      ))}
      <form onSubmit={submit}>
        <input
          ref={field}
          class="picker-other"
          aria-label="Another emoji"
          placeholder="…"
          maxLength={EMOJI_CHARACTERS_MAX}
          autocomplete="off"
        />
      </form>
    </div>
  );
}
