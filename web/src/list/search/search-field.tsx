import { useRef } from 'preact/hooks';
import { Icon } from '../../parts/icon.tsx';

const CHARACTERS_MAX = 100;

type Props = { value: string; onInput: (value: string) => void };

/** The user types here what to look for. Escape empties the field. */
export function SearchField({ value, onInput }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const clear = (): void => {
    onInput('');
    input.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && value !== '') {
      clear();
      event.preventDefault();
    }
  };
  return (
    <search class="search">
      <Icon name="search" />
      <input
        ref={input}
        type="text"
        inputMode="search"
        enterkeyhint="search"
        aria-label="Search conversations"
        placeholder="Search"
        autocomplete="off"
        dir="auto"
        maxLength={CHARACTERS_MAX}
        value={value}
        onInput={({ currentTarget }) => onInput(currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      {value !== '' && (
        <button type="button" class="icon-button" aria-label="Clear the search" onClick={clear}>
          <Icon name="close" />
        </button>
      )}
    </search>
  );
}
