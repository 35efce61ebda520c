import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** An element that is a little above or below the screen counts as on it. */
const MARGIN = '200px';

const watched = new WeakMap<Element, (isOnScreen: boolean) => void>();
let observer: IntersectionObserver | undefined;

/** Tells whether an element is on the screen. All elements share one observer of the browser. */
export function useOnScreen(ref: RefObject<Element | null>): boolean {
  const [isOnScreen, setOnScreen] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    observer ??= new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) watched.get(target)?.(isIntersecting);
      },
      { rootMargin: MARGIN },
    );
    const shared = observer;
    watched.set(element, setOnScreen);
    shared.observe(element);
    return () => {
      watched.delete(element);
      shared.unobserve(element);
    };
  }, [ref]);
  return isOnScreen;
}
