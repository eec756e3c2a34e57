/** The browser's own picker, where it gives handles by which clips can be opened again another day. */

import { rememberHandle } from '../../client/source-handles.ts';

/** What the DOM types don't have yet. */
interface PickingWindow extends Window {
  showOpenFilePicker?(options: {
    multiple: boolean;
    types: { description: string; accept: Record<string, string[]> }[];
  }): Promise<FileSystemFileHandle[]>;
}

const TYPES = [{ description: 'Video', accept: { 'video/*': ['.mp4', '.m4v', '.mov', '.webm', '.mkv'] } }];

/** @returns false where there is no such picker: a file input has to do. */
export function pickClip(onFiles: (files: readonly File[]) => void): boolean {
  const { showOpenFilePicker } = window as PickingWindow;
  if (!showOpenFilePicker) return false;
  showOpenFilePicker
    .call(window, { multiple: true, types: TYPES })
    .then(async (handles) => {
      const files = await Promise.all(handles.map((handle) => handle.getFile()));
      for (const [place, file] of files.entries()) rememberHandle(file, handles[place]!);
      onFiles(files);
    })
    // Closed without a choice.
    .catch(() => undefined);
  return true;
}
