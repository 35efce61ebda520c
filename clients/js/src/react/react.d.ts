/** These are the parts of React that the hooks use. An application has React, and its types. */
declare module 'react' {
  export function useCallback<Run>(run: Run, dependencies: readonly unknown[]): Run;
  export function useEffect(run: () => () => void, dependencies: readonly unknown[]): void;
  export function useMemo<Value>(make: () => Value, dependencies: readonly unknown[]): Value;
  export function useState<Value>(make: () => Value): [Value, unknown];
  export function useSyncExternalStore<Value>(
    subscribe: (onChange: () => void) => () => void,
    read: () => Value,
    readOnServer: () => Value,
  ): Value;
}
