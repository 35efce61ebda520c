import { createElement, StrictMode } from 'react';
import { act, create } from 'react-test-renderer';

export type Mounted = {
  /** The component shows these texts now. */
  text(): string;
  /** Presses the button that shows this. */
  press(name: string): Promise<void>;
  /** Does something, and lets React render what came of it. */
  act(run: () => Promise<unknown>): Promise<void>;
  render(): Promise<void>;
  unmount(): Promise<void>;
};

/** React demands this of surroundings in which `act` is called. */
Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

/**
 * Mounts a component in the strict mode of React, which renders it twice. This renderer does not
 * mount twice in it, as the one of browsers does.
 */
export async function mount(component: () => unknown): Promise<Mounted> {
  const element = (): object =>
    createElement(StrictMode, null, createElement(Shown, { component }));
  let tree: ReturnType<typeof create> | undefined;
  await act(async () => {
    // Applications have a concurrent root.
    tree = create(element(), { unstable_isConcurrent: true });
  });
  /** The `act` of React returns something like a promise. */
  const acted = async (run: () => unknown): Promise<void> => {
    await act(async () => void (await run()));
  };
  return {
    text: () => textOf(tree?.toJSON()),
    press: (name) =>
      acted(() => {
        const buttons = tree?.root.findAllByType('button') ?? [];
        buttons.find(({ props }) => textOf(props) === name)?.props.onClick();
      }),
    act: acted,
    render: () => acted(() => tree?.update(element())),
    unmount: () => acted(() => tree?.unmount()),
  };
}

function Shown({ component }: { component: () => unknown }): unknown {
  return component();
}

function textOf(shown: unknown): string {
  if (Array.isArray(shown))
    return shown.map(textOf).filter(Boolean).join(' ').replace(/ +/g, ' ').trim();
  if (typeof shown !== 'object' || shown === null) return shown ? String(shown) : '';
  return textOf((shown as { children: unknown }).children);
}
