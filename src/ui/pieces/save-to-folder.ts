/** Saving straight into a folder that the person chose, where the browser lets pages do so; asked for once a visit. */

/** What the DOM types don't have yet. */
interface FolderWindow extends Window {
  showDirectoryPicker?(options: { mode: 'readwrite'; id: string }): Promise<FileSystemDirectoryHandle>;
}

let chosen: FileSystemDirectoryHandle | null = null;

export function canSaveToFolder(): boolean {
  return (window as FolderWindow).showDirectoryPicker !== undefined;
}

/**
 * Writes the file under its name, or the next free one. Call it from a click.
 * @returns where it went; null where the person chose no folder.
 * @throws DOMException when the folder can't be written to.
 */
export async function saveToFolder(file: Blob, fileName: string): Promise<{ folder: string; name: string } | null> {
  chosen ??= await pick();
  if (chosen === null) return null;
  try {
    const name = await freeName(chosen, fileName);
    await write(chosen, name, file);
    return { folder: chosen.name, name };
  } catch (error) {
    // Asked for anew the next time: it may have been moved, or the leave taken back.
    chosen = null;
    throw error;
  }
}

/** Whole, or nothing of that name: browsers write beside the file and put it in its place at the end, but leave an empty one where that fails. */
async function write(folder: FileSystemDirectoryHandle, name: string, file: Blob): Promise<void> {
  const handle = await folder.getFileHandle(name, { create: true });
  try {
    await file.stream().pipeTo(await handle.createWritable());
  } catch (error) {
    await folder.removeEntry(name).catch(() => undefined);
    throw error;
  }
}

async function pick(): Promise<FileSystemDirectoryHandle | null> {
  try {
    return (
      (await (window as FolderWindow).showDirectoryPicker?.({ mode: 'readwrite', id: 'venhancer-results' })) ?? null
    );
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return null;
    throw error;
  }
}

async function freeName(folder: FileSystemDirectoryHandle, fileName: string): Promise<string> {
  const taken = new Set<string>();
  for await (const name of folder.keys()) taken.add(name);
  const dot = fileName.lastIndexOf('.');
  const [stem, extension] = [fileName.slice(0, dot), fileName.slice(dot)];
  let name = fileName;
  for (let n = 2; taken.has(name); n += 1) name = `${stem} (${n})${extension}`;
  return name;
}
