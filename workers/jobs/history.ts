/**
 * Finished results that are kept until a person deletes them: a record and a small picture beside the file, in its folder of
 * the origin private file system. Files without a record are the job store's to drop.
 *
 * Runs in a worker. Costs a few kilobytes and the file itself; a list opens every record.
 */

import type { HistoryEntry, HistoryRecord } from '../history-protocol.ts';
import { writeWhole } from '../media/whole-write.ts';
import { storageError } from './byte-file.ts';
import { OUTPUTS, RECORD, THUMBNAIL } from './output-folders.ts';
import { isOutOfReach, privateStorage } from './private-storage.ts';
import { watched } from './storage-watch.ts';

export class History {
  readonly #outputs: FileSystemDirectoryHandle | null;

  private constructor(outputs: FileSystemDirectoryHandle | null) {
    this.#outputs = outputs;
  }

  /**
   * Where the browser has no private storage, or no room for a folder, there is no history.
   * @throws EnhancerError `STORAGE_FAILED` where it can't be read now.
   */
  static async open(): Promise<History> {
    const root = await privateStorage();
    return new History((await root?.getDirectoryHandle(OUTPUTS, { create: true }).catch(noRoom)) ?? null);
  }

  /**
   * Keeps a file that the job store made.
   * @returns false where it is not in private storage, and so can't be kept.
   * @throws EnhancerError `QUOTA_EXCEEDED`, `STORAGE_FAILED`.
   */
  async add(record: HistoryRecord, output: File, thumbnail: Blob | null): Promise<boolean> {
    const folder = await this.#folderOf(output);
    if (!folder) return false;
    try {
      if (thumbnail) await write(folder, THUMBNAIL, new Uint8Array(await thumbnail.arrayBuffer()));
      await write(folder, RECORD, new TextEncoder().encode(JSON.stringify(record)));
      return true;
    } catch (error) {
      throw storageError(error);
    }
  }

  /** Newest first; what can't be read is left out. */
  async list(): Promise<HistoryEntry[]> {
    const entries: HistoryEntry[] = [];
    for (const { id, folder } of await this.#folders()) {
      const entry = await readEntry(id, folder).catch(() => null);
      if (entry) entries.push(entry);
    }
    return entries;
  }

  async output(id: string): Promise<File | null> {
    const folder = await this.#outputs?.getDirectoryHandle(id).catch(() => null);
    return folder ? videoIn(folder) : null;
  }

  /** @throws EnhancerError `STORAGE_FAILED`. */
  async remove(id: string): Promise<void> {
    try {
      await this.#outputs?.removeEntry(id, { recursive: true });
    } catch (error) {
      if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw storageError(error);
    }
  }

  /** The folder that holds this very file. */
  async #folderOf(output: File): Promise<FileSystemDirectoryHandle | null> {
    for (const { folder } of await this.#folders()) {
      const file = await videoIn(folder).catch(() => null);
      const same = file?.name === output.name && file.size === output.size && file.lastModified === output.lastModified;
      if (same) return folder;
    }
    return null;
  }

  async #folders(): Promise<{ id: string; folder: FileSystemDirectoryHandle }[]> {
    if (!this.#outputs) return [];
    const folders: { id: string; folder: FileSystemDirectoryHandle }[] = [];
    for await (const [id, handle] of this.#outputs.entries()) {
      if (handle.kind === 'directory') folders.push({ id, folder: handle });
    }
    // Their names begin with the time.
    return folders.sort((a, b) => (a.id < b.id ? 1 : -1));
  }
}

function noRoom(error: unknown): null {
  if (isOutOfReach(error)) throw storageError(error);
  return null;
}

async function readEntry(id: string, folder: FileSystemDirectoryHandle): Promise<HistoryEntry | null> {
  const [recordFile, video, thumbnail] = await Promise.all([
    fileIn(folder, RECORD),
    videoIn(folder),
    fileIn(folder, THUMBNAIL),
  ]);
  if (!recordFile || !video) return null;
  const record = JSON.parse(await recordFile.text()) as HistoryRecord;
  if (record.version !== 1) return null;
  return { ...record, id, bytes: video.size + recordFile.size + (thumbnail?.size ?? 0), thumbnail };
}

async function fileIn(folder: FileSystemDirectoryHandle, name: string): Promise<File | null> {
  const handle = await folder.getFileHandle(name).catch(() => null);
  return handle ? handle.getFile() : null;
}

async function videoIn(folder: FileSystemDirectoryHandle): Promise<File | null> {
  for await (const [name, handle] of folder.entries()) {
    if (handle.kind === 'file' && name !== RECORD && name !== THUMBNAIL) return handle.getFile();
  }
  return null;
}

async function write(folder: FileSystemDirectoryHandle, name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const handle = watched(await (await folder.getFileHandle(name, { create: true })).createSyncAccessHandle());
  try {
    handle.truncate(0);
    writeWhole(handle, bytes, 0);
    handle.flush();
  } finally {
    handle.close();
  }
}
