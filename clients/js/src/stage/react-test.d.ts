/** The tests use these parts of React, beside the hooks. */
declare module 'react' {
  export const StrictMode: unique symbol;
  export function createElement(
    type: unknown,
    props?: object | null,
    ...children: unknown[]
  ): object;
}

declare module 'react-test-renderer' {
  export function act(run: () => Promise<unknown>): PromiseLike<void>;
  export function create(
    element: object,
    options: { unstable_isConcurrent: boolean },
  ): {
    toJSON(): unknown;
    root: {
      findAllByType(type: string): { props: { children: unknown; onClick(): void } }[];
    };
    update(element: object): void;
    unmount(): void;
  };
}

declare module 'react-dom/client' {
  export function createRoot(container: unknown): { render(element: object): void };
}
