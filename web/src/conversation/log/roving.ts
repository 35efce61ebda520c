import { useState } from 'preact/hooks';
import { keyOf, type Row } from './rows.ts';

type Deps = {
  rows: readonly Row[];
  onEscape: () => void;
  /** Goes to the newest message. */
  onEnd: () => void;
};

type Roving = {
  /** The message that has the focus. */
  activeKey: string | undefined;
  onKeyDown: (event: KeyboardEvent) => void;
  onFocusIn: (event: FocusEvent) => void;
  onFocusOut: (event: FocusEvent) => void;
};

/**
 * Lets the keyboard go through the messages: the arrow keys lead from one to the next, Enter and
 * the menu key open what can be done with one, and Escape leads back to the composer.
 */
export function useRoving({ rows, onEscape, onEnd }: Deps): Roving {
  const [activeKey, setActiveKey] = useState<string>();
  const activate = (article: Element | null): void => {
    const row = rows[indexOf(article)];
    setActiveKey(row && keyOf(row.message));
  };
  return {
    activeKey,
    onFocusIn: ({ target }) => activate(articleOf(target)),
    onFocusOut({ relatedTarget, currentTarget }) {
      if (!(currentTarget as Element).contains(relatedTarget as Node)) setActiveKey(undefined);
    },
    onKeyDown(event) {
      const article = articleOf(event.target);
      const { key } = event;
      if (key === 'Escape') onEscape();
      else if (key === 'End') onEnd();
      else if (article !== event.target) return;
      else if (key === 'ArrowUp') focusRow(article, -1);
      else if (key === 'ArrowDown') focusRow(article, 1);
      else if (key === 'Enter' || key === 'ContextMenu') openActions(article);
      else return;
      event.preventDefault();
    },
  };
}

function articleOf(target: EventTarget | null): Element | null {
  return target instanceof Element ? target.closest('article') : null;
}

/** The rows stand in the document as they stand in the list. */
function indexOf(article: Element | null): number {
  const row = article?.parentElement;
  return row ? [...(row.parentElement?.children ?? [])].indexOf(row) : -1;
}

function focusRow(article: Element | null, step: 1 | -1): void {
  const row = article?.parentElement;
  const next = step === 1 ? row?.nextElementSibling : row?.previousElementSibling;
  const target = next?.querySelector<HTMLElement>('article');
  target?.focus({ preventScroll: true });
  target?.scrollIntoView({ block: 'nearest' });
}

function openActions(article: Element | null): void {
  article?.querySelector<HTMLElement>('[aria-haspopup="menu"]')?.click();
}
