/** The browser's own picker, where it gives a handle by which the clip can be opened again another day. */

import { rememberHandle } from '../../client/source-handles.ts';

/** What the DOM types don't have yet. */
interface PickingWindow extends Window {
  showOpenFilePicker?(options: {
    types: { description: string; accept: Record<string, string[]> }[];
  }): Promise<FileSystemFileHandle[]>;
}

const TYPES = [{ description: 'Video', accept: { 'video/*': ['.mp4', '.m4v', '.mov', '.webm', '.mkv'] } }];

/** @returns false where there is no such picker: a file input has to do. */
export function pickClip(onFile: (file: File) => void): boolean {
  const { showOpenFilePicker } = window as PickingWindow;
  if (!showOpenFilePicker) return false;
  showOpenFilePicker
    .call(window, { types: TYPES })
    .then(async ([handle]) => {
      const file = await handle!.getFile();
      rememberHandle(file, handle!);
      onFile(file);
    })
    // Closed without a choice.
    .catch(() => undefined);
  return true;
}
