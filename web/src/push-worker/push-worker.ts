import { addressOf, shownPushOf } from './shown-push.ts';

/** The browser runs this file without a page, and gives it so much. */
type PushEvent = ExtendableEvent & { data: { text(): string } | null };
type ClickEvent = ExtendableEvent & { notification: Notification };
type ExtendableEvent = Event & { waitUntil(work: Promise<unknown>): void };
type PageClient = { url: string; focus(): Promise<unknown>; postMessage(data: unknown): void };
type WorkerScope = {
  registration: ServiceWorkerRegistration;
  clients: {
    matchAll(options: { type: 'window'; includeUncontrolled: true }): Promise<PageClient[]>;
    openWindow(url: string): Promise<unknown>;
  };
  addEventListener(type: 'push', handle: (event: PushEvent) => void): void;
  addEventListener(type: 'notificationclick', handle: (event: ClickEvent) => void): void;
};

const scope = self as unknown as WorkerScope;

scope.addEventListener('push', (event) => {
  const { title, options } = shownPushOf(event.data?.text());
  event.waitUntil(scope.registration.showNotification(title, options));
});

scope.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(open(addressOf(event.notification.data)));
});

/** Shows the conversation in a page that is open, or in a new one. */
async function open(address: string): Promise<void> {
  const [page] = await scope.clients.matchAll({ type: 'window', includeUncontrolled: true });
  if (page === undefined) {
    await scope.clients.openWindow(address);
    return;
  }
  page.postMessage({ hash: new URL(address, page.url).hash });
  await page.focus();
}
