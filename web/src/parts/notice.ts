import { type Observable, Subject } from '../../../clients/js/src/events/observable.ts';

type Notice = { id: number; text: string };

const SHOWN_MS = 6_000;
/** So many notices are shown at once. One more takes the place of the oldest. */
const NOTICES_MAX = 3;

let lastId = 0;
const shown = new Subject<readonly Notice[]>([]);

export const notices: Observable<readonly Notice[]> = shown;

/** Shows a text for a while, and screen readers say it. */
export function notify(text: string): void {
  lastId += 1;
  const notice = { id: lastId, text };
  shown.set([...shown.value.slice(1 - NOTICES_MAX), notice]);
  setTimeout(() => dismiss(notice.id), SHOWN_MS);
}

export function dismiss(id: number): void {
  shown.set(shown.value.filter((notice) => notice.id !== id));
}
