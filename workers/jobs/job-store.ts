/**
 * Where journals, private copies of clips and finished files live: the origin private file system, a folder a job; memory where the
 * browser has none (private windows, mostly), and then nothing outlives the worker.
 *
 * Runs in a worker (sync access handles).
 */

import { EnhancerError } from '../errors.ts';
import { bytesOfBlob } from '../media/refusals.ts';
import { writeWhole } from '../media/whole-write.ts';
import { type ByteFile, MemoryFile, storageError } from './byte-file.ts';
import { type JobRecord, Journal } from './journal.ts';
import { OUTPUTS, RECORD } from './output-folders.ts';
import { isOutOfReach, privateStorage } from './private-storage.ts';
import type { SourceIdentity } from './source-identity.ts';
import { watched } from './storage-watch.ts';
import { beginVisit, visitsNow } from './visit.ts';

const JOBS = 'jobs';
const JOURNAL = 'journal';
const STATES = ['state-0', 'state-1'] as const;
const PICTURES = 'pictures';
const SOURCE = 'source';
const QUEUE = ['queue-0', 'queue-1'] as const;
/** Where nobody can tell whether the page that made an output is still open: a day later it has had its chance to save it. */
const OUTPUT_KEPT_MS = 24 * 3600 * 1000;
/** A worker that was ended a moment ago may still hold its files. */
const HANDLE_PATIENCE_MS = 3000;
const COPY_BYTES = 4 * 2 ** 20;

/** A file being written; `finish` closes it. */
export interface OutputFile {
  readonly handle: ByteFile;
  finish(): Promise<File>;
  /** Gives it up. */
  drop(): Promise<void>;
}

export class JobStore {
  /** Not asked for yet, or in vain. */
  #known: FileSystemDirectoryHandle | null | undefined;
  #visit: string | null;
  readonly #memoryQueue: [ByteFile, ByteFile] = [new MemoryFile(), new MemoryFile()];

  /** @param visit whose outputs it makes: they are there as long as that goes on. One of its own where absent. */
  constructor(visit?: string) {
    this.#visit = visit ?? null;
  }

  /** Starts a job's journal. @throws EnhancerError `QUOTA_EXCEEDED`, `STORAGE_FAILED`. */
  async create<Extra>(job: JobRecord): Promise<Journal<Extra>> {
    if (!(await this.#root())) return Journal.create(new MemoryFile(), [new MemoryFile(), new MemoryFile()], job);
    try {
      const folder = await this.#folder(job.id, true);
      return Journal.create(await hold(folder, JOURNAL), await this.#states(folder), job, await hold(folder, PICTURES));
    } catch (error) {
      throw storageError(error);
    }
  }

  /** A job to go on with. @throws EnhancerError `STORAGE_FAILED` when it is not there or was never whole. */
  async resume<Extra>(id: string): Promise<Journal<Extra>> {
    try {
      const folder = await this.#folder(id);
      const journal = Journal.open<Extra>(
        await hold(folder, JOURNAL),
        await this.#states(folder),
        await hold(folder, PICTURES),
      );
      if (journal) return journal;
    } catch (error) {
      if (error instanceof EnhancerError || isOutOfReach(error)) throw storageError(error);
      throw gone(error);
    }
    throw gone();
  }

  /** Whether there is a journal to go on with; one that another worker holds counts. @throws EnhancerError `STORAGE_FAILED`. */
  async hasBegun(id: string): Promise<boolean> {
    try {
      const jobs = await this.#jobs();
      const folder = jobs && (await missingAsNull(jobs.getDirectoryHandle(id)));
      if (!folder || !(await has(folder, JOURNAL))) return false;
      const file = await hold(folder, JOURNAL);
      try {
        return Journal.open<never>(file, null) !== null;
      } finally {
        file.close();
      }
    } catch (error) {
      if (isHeld(error)) return true;
      throw storageError(error);
    }
  }

  /**
   * Looks at every job without a worker on it, newest first; drops folders in which nothing was ever begun.
   * @param running ids to leave alone.
   */
  async *unfinished(running: ReadonlySet<string>): AsyncGenerator<{ journal: Journal<never>; hasSource: boolean }> {
    const jobs = await this.#jobs();
    if (!jobs) return;
    for (const id of (await namesIn(jobs)).sort().reverse()) {
      if (running.has(id)) continue;
      const folder = await jobs.getDirectoryHandle(id);
      const files: ByteFile[] = [];
      try {
        const journal = await looked(folder, files);
        if (journal) yield { journal, hasSource: (await copyIn(folder, journal.job.source.bytes)) !== null };
        else await jobs.removeEntry(id, { recursive: true });
      } catch (error) {
        if (isOutOfReach(error)) throw storageError(error);
        // Held by another tab between its start and its lock, or unreadable: not ours to judge now.
      } finally {
        for (const file of files) file.close();
      }
    }
  }

  /** @param butSource leaves the private copy of the clip, which a queue may have made before there was a job. */
  async discard(id: string, butSource = false): Promise<void> {
    const jobs = await this.#jobs();
    const until = performance.now() + HANDLE_PATIENCE_MS;
    for (;;) {
      try {
        const folder = butSource ? await jobs?.getDirectoryHandle(id) : undefined;
        const names = folder ? await namesIn(folder) : [];
        if (names.includes(SOURCE)) for (const name of names) name !== SOURCE && (await folder!.removeEntry(name));
        else await jobs?.removeEntry(id, { recursive: true });
        return;
      } catch (error) {
        if (error instanceof DOMException && error.name === 'NotFoundError') return;
        if (performance.now() > until) throw storageError(error);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  /**
   * Those of the queue, to be closed soon; null where there is none and none is made: a full disk has no room for an empty file.
   * @throws EnhancerError `QUOTA_EXCEEDED`, `STORAGE_FAILED`.
   */
  async queueFiles(create: boolean): Promise<[ByteFile, ByteFile] | null> {
    const root = await this.#root();
    if (!root) return this.#memoryQueue;
    try {
      // Both are there before anything is written to either.
      if (!create && !(await has(root, QUEUE[1]))) return null;
      return [await hold(root, QUEUE[0]), await hold(root, QUEUE[1])];
    } catch (error) {
      throw storageError(error);
    }
  }

  /** Keeps a copy of the clip with its job. @throws EnhancerError `QUOTA_EXCEEDED`, `STORAGE_FAILED`. */
  async keepSource(id: string, source: File): Promise<void> {
    if (!(await this.#root())) return;
    const folder = await this.#folder(id, true);
    const handle = await hold(folder, SOURCE);
    try {
      for (let at = 0; at < source.size; at += COPY_BYTES) {
        writeWhole(handle, new Uint8Array(await bytesOfBlob(source.slice(at, at + COPY_BYTES))), at);
      }
      handle.flush();
      handle.close();
    } catch (error) {
      // Half a copy helps nobody and keeps the space from the job itself.
      giveUp(handle);
      await folder.removeEntry(SOURCE).catch(() => undefined);
      throw storageError(error);
    }
  }

  /** The copy that was kept, under the clip's own name; null where none was, or not all of it. */
  async source(id: string, { name, bytes, lastModified }: SourceIdentity): Promise<File | null> {
    const copy = await this.#folder(id)
      .then((folder) => copyIn(folder, bytes))
      .catch(() => null);
    return copy && new File([copy], name, { type: copy.type, lastModified });
  }

  /** What there is of a job: null where nothing was begun. A running one can't be looked at. */
  async look(id: string): Promise<{ readonly journal: Journal<never> | null } | null> {
    const files: ByteFile[] = [];
    try {
      const folder = await this.#folder(id);
      const names = await namesIn(folder);
      const journal = names.includes(JOURNAL) ? await looked(folder, files) : null;
      return { journal };
    } catch {
      return null;
    } finally {
      for (const file of files) file.close();
    }
  }

  /** Drops outputs that nobody can be waiting for: neither the history has them, nor a page that is still open. Never throws. */
  async sweepOutputs(): Promise<void> {
    const root = await this.#root().catch(() => null);
    const outputs = await root?.getDirectoryHandle(OUTPUTS).catch(() => null);
    if (!outputs) return;
    const visits = await visitsNow();
    for (const folder of await namesIn(outputs).catch((): string[] => [])) {
      const [madeAtMs = '', ...rest] = folder.split('-');
      const visit = rest.join('-');
      const isOpen = visits ? visits.has(visit) : Date.now() - Number(madeAtMs) < OUTPUT_KEPT_MS;
      if (isOpen || visit === this.#visit || (await isKept(outputs, folder))) continue;
      await outputs.removeEntry(folder, { recursive: true }).catch(() => undefined);
    }
  }

  /** A file for the result. */
  async createOutput(name: string): Promise<OutputFile> {
    const root = await this.#root();
    if (!root) return memoryOutput(name);
    await this.sweepOutputs();
    const outputs = await root.getDirectoryHandle(OUTPUTS, { create: true });
    this.#visit ??= beginVisit();
    const folderName = `${Date.now()}-${this.#visit}`;
    const folder = await outputs.getDirectoryHandle(folderName, { create: true });
    const handle = await hold(folder, name);
    return {
      handle,
      finish: async () => {
        handle.flush();
        handle.close();
        return (await folder.getFileHandle(name)).getFile();
      },
      drop: async () => {
        giveUp(handle);
        await outputs.removeEntry(folderName, { recursive: true }).catch(() => undefined);
      },
    };
  }

  async #folder(id: string, create = false): Promise<FileSystemDirectoryHandle> {
    const jobs = create ? await (await this.#root())?.getDirectoryHandle(JOBS, { create }) : await this.#jobs();
    if (!jobs) throw gone();
    return jobs.getDirectoryHandle(id, { create });
  }

  /** Null before the first job. */
  async #jobs(): Promise<FileSystemDirectoryHandle | null> {
    const root = await this.#root();
    return root && (await missingAsNull(root.getDirectoryHandle(JOBS)));
  }

  /** Null where there is none. @throws EnhancerError `STORAGE_FAILED` where it can't be read now; it is asked for anew the next time. */
  async #root(): Promise<FileSystemDirectoryHandle | null> {
    this.#known ??= await privateStorage();
    return this.#known;
  }

  async #states(folder: FileSystemDirectoryHandle): Promise<[ByteFile, ByteFile]> {
    return [await hold(folder, STATES[0]), await hold(folder, STATES[1])];
  }
}

/** The private copy, if there is one of so many bytes: a tab may have died at its copying. */
async function copyIn(folder: FileSystemDirectoryHandle, bytes: number): Promise<File | null> {
  const file = await (await missingAsNull(folder.getFileHandle(SOURCE)))?.getFile();
  return file?.size === bytes ? file : null;
}

/** A journal to look at only. @param files those held for it, to be closed whatever happens. */
async function looked(folder: FileSystemDirectoryHandle, files: ByteFile[]): Promise<Journal<never> | null> {
  const held = async (name: string): Promise<ByteFile> => {
    const file = await hold(folder, name, 0);
    files.push(file);
    return file;
  };
  const journal = await held(JOURNAL);
  return Journal.open<never>(journal, null, (await has(folder, PICTURES)) ? await held(PICTURES) : null);
}

/** Where its closing has to wait (`storage-watch.ts`), its room is given back all the same. */
function giveUp(file: ByteFile): void {
  try {
    file.truncate(0);
  } catch {
    // It goes with its folder.
  }
  file.close();
}

/** One that lasts as long as the tab. */
export function memoryOutput(name: string): OutputFile {
  const handle = new MemoryFile();
  return {
    handle,
    finish: async () => new File([handle.contents], name, { type: 'video/mp4' }),
    drop: async () => {},
  };
}

/** Whether the history has it, and not half a record of it, for want of room or of power: only a person deletes it then. */
async function isKept(outputs: FileSystemDirectoryHandle, folder: string): Promise<boolean> {
  try {
    const record = await missingAsNull((await outputs.getDirectoryHandle(folder)).getFileHandle(RECORD));
    if (record) JSON.parse(await (await record.getFile()).text());
    return record !== null;
  } catch (error) {
    // What can't be read now may be whole.
    return !(error instanceof SyntaxError);
  }
}

async function has(folder: FileSystemDirectoryHandle, name: string): Promise<boolean> {
  return (await missingAsNull(folder.getFileHandle(name))) !== null;
}

async function missingAsNull<T>(asked: Promise<T>): Promise<T | null> {
  return asked.catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'NotFoundError') return null;
    throw error;
  });
}

async function namesIn(folder: FileSystemDirectoryHandle): Promise<string[]> {
  const names: string[] = [];
  for await (const name of folder.keys()) names.push(name);
  return names;
}

async function hold(
  folder: FileSystemDirectoryHandle,
  name: string,
  patienceMs = HANDLE_PATIENCE_MS,
): Promise<ByteFile> {
  const file = await folder.getFileHandle(name, { create: true });
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return watched(await file.createSyncAccessHandle());
    } catch (error) {
      if (!isHeld(error) || performance.now() >= until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function isHeld(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'NoModificationAllowedError';
}

function gone(cause?: unknown): EnhancerError {
  return new EnhancerError(
    'STORAGE_FAILED',
    'This job’s journal can’t be opened any more.',
    'If another tab has it, close that tab and try again; else start the clip anew.',
    cause === undefined ? {} : { cause },
  );
}
