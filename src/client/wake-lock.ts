/** Keeps the screen on while a job works and the page is seen; the browser drops the lock when it is hidden, so it is taken again. */

/** @returns ends it. Where there is no such lock, does nothing. */
export function keepAwake(): () => void {
  let lock: Promise<WakeLockSentinel | null> = Promise.resolve(null);
  const take = (): void => {
    if (document.visibilityState !== 'visible') return;
    lock = navigator.wakeLock?.request('screen').catch(() => null) ?? Promise.resolve(null);
  };
  const release = (): void => {
    document.removeEventListener('visibilitychange', take);
    void lock.then((held) => held?.release()).catch(() => undefined);
  };
  document.addEventListener('visibilitychange', take);
  take();
  return release;
}
