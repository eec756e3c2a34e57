/**
 * The origin private file system, where a browser has one.
 *
 * On a full disk Chromium 156 was seen to refuse it for as long as there is no room (`InvalidStateError`: its own database of names can't be opened
 * without writing). That is not to be taken for a browser without: what lies in it is still there, and can be read again when there is room.
 */

import { EnhancerError } from '../errors.ts';

/** Its root; null where the browser has none for this page. @throws EnhancerError `STORAGE_FAILED` where it can't be read now. */
export async function privateStorage(): Promise<FileSystemDirectoryHandle | null> {
  try {
    return (await globalThis.navigator?.storage?.getDirectory?.()) ?? null;
  } catch (error) {
    if (isOutOfReach(error)) throw outOfReach(error);
    return null;
  }
}

/** Whether an error says that storage as a whole can't be read now. */
export function isOutOfReach(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'InvalidStateError';
}

export function outOfReach(cause: unknown): EnhancerError {
  return new EnhancerError(
    'STORAGE_FAILED',
    'The browser can’t read its storage now, as on a full disk.',
    'Free some disk space: what is finished is kept, and can be had again then.',
    { cause },
  );
}
