/**
 * Handles of chosen files, kept by job, so that a clip can be opened again after the tab was closed: the browser asks the person once
 * more. Where the browser gives no handles (outside Chromium, or from a plain file input), there is nothing to keep.
 */

/** What the DOM types don't have yet. */
interface PermittedHandle extends FileSystemFileHandle {
  queryPermission?(descriptor: { mode: 'read' }): Promise<PermissionState>;
  requestPermission?(descriptor: { mode: 'read' }): Promise<PermissionState>;
}

const DATABASE = 'venhancer';
const STORE = 'source-handles';

const handles = new WeakMap<File, FileSystemFileHandle>();

/** Notes where a file came from. */
export function rememberHandle(file: File, handle: FileSystemHandle | null): void {
  if (handle?.kind === 'file') handles.set(file, handle as FileSystemFileHandle);
}

export async function keepSourceHandle(jobId: string, file: File): Promise<void> {
  const handle = handles.get(file);
  if (handle) await inStore('readwrite', (store) => store.put(handle, jobId)).catch(() => undefined);
}

/** The job's clip, after the person's leave; null without a handle, without leave, or when the file is gone. */
export async function reopenSource(jobId: string): Promise<File | null> {
  try {
    const handle = await inStore<PermittedHandle | undefined>('readonly', (store) => store.get(jobId));
    if (!handle) return null;
    const mode = { mode: 'read' } as const;
    const granted =
      (await handle.queryPermission?.(mode)) === 'granted' || (await handle.requestPermission?.(mode)) === 'granted';
    if (!granted) return null;
    const file = await handle.getFile();
    handles.set(file, handle);
    return file;
  } catch {
    return null;
  }
}

export async function forgetSource(jobId: string): Promise<void> {
  await inStore('readwrite', (store) => store.delete(jobId)).catch(() => undefined);
}

function inStore<T>(mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const asked = ask(database.transaction(STORE, mode).objectStore(STORE));
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
      asked.transaction!.oncomplete = () => database.close();
    };
  });
}
