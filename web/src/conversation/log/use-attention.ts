import { useEffect, useState } from 'preact/hooks';

/** Tells whether the user looks at the page: its window is visible and has the focus. */
export function useAttention(): boolean {
  const [isAttending, setAttending] = useState(isAttended);
  useEffect(() => {
    const look = (): void => setAttending(isAttended());
    look();
    const types = ['focus', 'blur', 'pageshow'] as const;
    for (const type of types) addEventListener(type, look);
    document.addEventListener('visibilitychange', look);
    return () => {
      for (const type of types) removeEventListener(type, look);
      document.removeEventListener('visibilitychange', look);
    };
  }, []);
  return isAttending;
}

function isAttended(): boolean {
  return document.visibilityState === 'visible' && document.hasFocus();
}
