import { useEffect, useState } from 'react';
import { rememberHandle } from '../../client/source-handles.ts';
import { isCheckpoint } from '../../state/models.ts';

/** What the DOM types don't have yet. */
interface HandleItem extends DataTransferItem {
  getAsFileSystemHandle?(): Promise<FileSystemHandle | null>;
}

/**
 * Files dropped or pasted anywhere on the page: clips, or a model's checkpoints.
 * @returns whether a file is being held over the page.
 */
export function useClipIntake(
  onFiles: (files: readonly File[]) => void,
  onCheckpoints: (files: File[]) => void,
): boolean {
  const [holding, setHolding] = useState(false);
  useEffect(() => {
    // Every element passed over sends enter and leave: the drag has left the page when they balance.
    let depth = 0;
    const carriesFile = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
    const enter = (event: DragEvent): void => {
      if (!carriesFile(event)) return;
      event.preventDefault();
      depth += 1;
      setHolding(true);
    };
    const over = (event: DragEvent): void => {
      if (carriesFile(event)) event.preventDefault();
    };
    const leave = (event: DragEvent): void => {
      if (!carriesFile(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setHolding(false);
    };
    const drop = (event: DragEvent): void => {
      depth = 0;
      setHolding(false);
      if (!carriesFile(event)) return;
      event.preventDefault();
      const checkpoints = [...(event.dataTransfer?.files ?? [])].filter(isCheckpoint);
      if (checkpoints.length > 0) {
        onCheckpoints(checkpoints);
        return;
      }
      const files = [...(event.dataTransfer?.files ?? [])];
      onFiles(files);
      // Asked for at once: after the event the list of items is empty. Files and items are in the same order.
      const items = [...event.dataTransfer!.items].filter(({ kind }) => kind === 'file') as HandleItem[];
      for (const [place, file] of files.entries()) {
        items[place]?.getAsFileSystemHandle?.().then(
          (handle) => rememberHandle(file, handle),
          () => undefined,
        );
      }
    };
    const paste = (event: ClipboardEvent): void => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      onFiles(files);
    };
    window.addEventListener('dragenter', enter);
    window.addEventListener('dragover', over);
    window.addEventListener('dragleave', leave);
    window.addEventListener('drop', drop);
    window.addEventListener('paste', paste);
    return () => {
      window.removeEventListener('dragenter', enter);
      window.removeEventListener('dragover', over);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('drop', drop);
      window.removeEventListener('paste', paste);
    };
  }, [onFiles, onCheckpoints]);
  return holding;
}
