import type { PushWorker } from '../../../clients/js/src/devices/index.ts';

const WORKER = 'push-worker.js';

/** Tells whether this browser can get pushes. A phone may want the page to be installed first. */
export function canGetPushes(): boolean {
  return 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window;
}

/** The browser shows pushes by this program, also while no page is open. */
export async function startPushWorker(): Promise<PushWorker> {
  await navigator.serviceWorker.register(WORKER);
  const { pushManager } = await navigator.serviceWorker.ready;
  return { pushManager } as unknown as PushWorker;
}

/** Goes to the conversation of a notification that the user has clicked. */
export function followClicks(): void {
  if (!canGetPushes()) return;
  navigator.serviceWorker.addEventListener('message', ({ data }) => {
    if (typeof data?.hash === 'string') location.hash = data.hash;
  });
}
