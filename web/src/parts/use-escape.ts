import { useEffect } from 'preact/hooks';

/**
 * Runs something when Escape is pressed. Who handles the key before, such as a menu or an editor,
 * prevents its default, and then nothing runs here. In a dialog, Escape closes the dialog.
 */
export function useEscape(run: () => void): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      const { key, target, defaultPrevented } = event;
      if (key !== 'Escape' || defaultPrevented) return;
      if (!(target instanceof Element && target.closest('dialog'))) run();
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, [run]);
}
