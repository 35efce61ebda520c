import { useLayoutEffect, useReducer, useRef } from 'preact/hooks';
import type { Observable } from '../../../clients/js/src/events/observable.ts';

/** Returns the value as it is now, and draws again with each change of it. */
export function useValue<T>(observable: Observable<T>): T {
  const [, count] = useReducer((changes: number) => changes + 1, 0);
  const drawn = useRef(observable.value);
  drawn.current = observable.value;
  useLayoutEffect(() => {
    const look = (): void => {
      if (drawn.current !== observable.value) count(undefined);
    };
    const unsubscribe = observable.subscribe(look);
    // The value may have changed between drawing and here.
    look();
    return unsubscribe;
  }, [observable]);
  return observable.value;
}
