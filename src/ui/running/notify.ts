/** A word from the browser when a job is over and nobody looks. */

import { words } from '../words.ts';

export type NotifyState = NotificationPermission | 'unavailable';

export function notifyState(): NotifyState {
  return 'Notification' in globalThis ? Notification.permission : 'unavailable';
}

export async function askToNotify(): Promise<NotifyState> {
  if (notifyState() === 'default') await Notification.requestPermission().catch(() => undefined);
  return notifyState();
}

/** Says so where it may and the page is out of sight. */
export async function notify(title: string, body: string): Promise<void> {
  if (notifyState() !== 'granted' || document.visibilityState === 'visible') return;
  const options = { body, tag: words.product, icon: new URL('icons/icon-192.png', document.baseURI).href };
  try {
    const notification = new Notification(title, options);
    notification.addEventListener('click', () => {
      window.focus();
      notification.close();
    });
  } catch {
    // Phones want it from the service worker.
    const registration = await navigator.serviceWorker?.getRegistration();
    await registration?.showNotification(title, options).catch(() => undefined);
  }
}
