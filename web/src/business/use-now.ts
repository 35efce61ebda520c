import { useEffect, useState } from 'preact/hooks';

/** Texts that tell of minutes are late by this at most. */
const TICK_MS = 10_000;

/** Returns the time, and renders again as it goes on. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}
