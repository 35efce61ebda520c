import { useEffect } from 'preact/hooks';

const SIDE = '.sidebar';
/** The focus goes to the first of these that is there. */
const IN_SIDE = ['[aria-current="true"]', '.row[tabindex="0"]', 'input', 'a', 'button'];
const IN_STAGE = ['textarea', '[role="log"]', 'button'];

/** F6 takes the focus from the list to the conversation and back, as in other programs. */
export function useSwitchPane(): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key !== 'F6' || document.querySelector('dialog[open]')) return;
      event.preventDefault();
      const isInSide = document.activeElement?.closest(SIDE) !== null;
      const [pane, choices] = isInSide ? ['.stage', IN_STAGE] : [SIDE, IN_SIDE];
      const targets = choices.map((one) => document.querySelector<HTMLElement>(`${pane} ${one}`));
      targets.find((target) => target !== null)?.focus();
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, []);
}
