/**
 * Imported model packages: a folder each in the origin private file system, under `models/`.
 *
 * A package is whole once it has its manifest, which is written last; until then `import.json` tells how far its import came. Files
 * are read as blobs, so that gigabytes stay out of memory until a session asks for them. Writing needs a worker (sync access handles).
 */

import { EnhancerError, throwIfAborted } from '../../errors.ts';
import { writeWhole } from '../../media/whole-write.ts';
import type { FileRecord, Manifest, PartName } from '../manifest.ts';
import { type PackageSource, readManifest } from '../package.ts';
import { MANIFEST_NAME, type PackageSink } from '../package-writer.ts';
import { Sha256 } from '../sha256.ts';

const FOLDER = 'models';
const IMPORT_RECORD = 'import.json';
const BLOCK_BYTES = 4 * 2 ** 20;
const ID = /^[\w-]{1,80}$/;

export interface InstalledModel {
  /** Its folder, and the `model` of settings. */
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  readonly precision: string;
  readonly prompted: boolean;
  /** Of UNet and ControlNet. */
  readonly parameters: number;
  readonly licence: string;
  readonly provenance: string;
}

/** How far an import came. */
export interface ImportRecord {
  readonly version: 1;
  readonly name: string;
  readonly precision: string;
  /** Names, sizes and dates of the files that it reads: only the very same go on with it. */
  readonly files: string;
  readonly totalBytes: number;
  readonly finished: readonly FileRecord[];
}

export interface UnfinishedImport {
  readonly id: string;
  readonly name: string;
  readonly precision: string;
  readonly fileNames: readonly string[];
  readonly doneBytes: number;
  readonly totalBytes: number;
}

type Handle = Pick<FileSystemSyncAccessHandle, 'write' | 'truncate' | 'flush' | 'close'>;

export class PackageStore {
  readonly #root: FileSystemDirectoryHandle;
  readonly #watched: (handle: FileSystemSyncAccessHandle) => Handle;

  private constructor(root: FileSystemDirectoryHandle, watched: (handle: FileSystemSyncAccessHandle) => Handle) {
    this.#root = root;
    this.#watched = watched;
  }

  /**
   * @param watched what a file that is written to goes through (`jobs/storage-watch.ts`): a full disk makes closing one unsafe.
   * @throws EnhancerError `STORAGE_FAILED` where the browser has no private storage.
   */
  static async open(
    watched: (handle: FileSystemSyncAccessHandle) => Handle = (handle) => handle,
  ): Promise<PackageStore> {
    try {
      const storage = await navigator.storage.getDirectory();
      return new PackageStore(await storage.getDirectoryHandle(FOLDER, { create: true }), watched);
    } catch (cause) {
      throw new EnhancerError(
        'STORAGE_FAILED',
        'This browser keeps no files for pages, so that no model can be installed.',
        'Leave private browsing, or use a current Chrome, Edge, Firefox or Safari.',
        { cause },
      );
    }
  }

  async list(): Promise<{ models: InstalledModel[]; unfinished: UnfinishedImport[] }> {
    const models: InstalledModel[] = [];
    const unfinished: UnfinishedImport[] = [];
    for (const id of await this.#ids()) {
      const manifest = await this.manifest(id).catch(() => null);
      if (manifest) {
        models.push(described(id, manifest));
        continue;
      }
      const record = await this.importRecord(id);
      if (record) unfinished.push(describedImport(id, record));
    }
    return { models, unfinished };
  }

  async has(id: string): Promise<boolean> {
    return (await this.version(id)) !== null;
  }

  /** Changes when a model of that id is deleted and imported anew; null where there is none. */
  async version(id: string): Promise<string | null> {
    const file = ID.test(id) ? await this.#file(id, MANIFEST_NAME) : null;
    return file && `${file.lastModified}-${file.size}`;
  }

  manifest(id: string): Promise<Manifest> {
    return readManifest(this.source(id));
  }

  source(id: string): PackageSource {
    return {
      read: async (name) => {
        const file = ID.test(id) ? await this.#file(id, name) : null;
        if (file) return file;
        throw new EnhancerError(
          'MODEL_MISSING',
          `The model ${id} is not installed, or lacks its file ${name}.`,
          'Choose another model, or install it again.',
        );
      },
    };
  }

  async importRecord(id: string): Promise<ImportRecord | null> {
    try {
      const file = await this.#file(id, IMPORT_RECORD);
      const record = file && (JSON.parse(await file.text()) as ImportRecord);
      return record?.version === 1 ? record : null;
    } catch {
      return null;
    }
  }

  async writeImportRecord(id: string, record: ImportRecord): Promise<void> {
    await this.#write(id, IMPORT_RECORD, new TextEncoder().encode(JSON.stringify(record)));
  }

  /** The folder of an import of these files at that precision: the one that was begun, or a new one. */
  async folderFor(name: string, precision: string, files: string): Promise<string> {
    const ids = await this.#ids();
    for (const id of ids) {
      const record = await this.importRecord(id);
      if (record?.files === files && record.precision === precision && !(await this.has(id))) return id;
    }
    const stem = name.replace(/[^\w-]+/g, '-').slice(0, 60) || 'model';
    for (let n = 1; ; n += 1) {
      const id = `${stem}-${precision}${n === 1 ? '' : `-${n}`}`;
      if (!ids.includes(id)) {
        await this.#root.getDirectoryHandle(id, { create: true });
        return id;
      }
    }
  }

  sink(id: string): PackageSink {
    return {
      create: async (name) => {
        const handle = await this.#held(id, name).catch(failed);
        let at = 0;
        return {
          write: async (bytes) => {
            try {
              at += writeWhole(handle, bytes as Uint8Array<ArrayBuffer>, at);
            } catch (error) {
              handle.close();
              failed(error);
            }
          },
          close: async () => {
            try {
              handle.flush();
            } catch (error) {
              failed(error);
            } finally {
              handle.close();
            }
          },
        };
      },
    };
  }

  /** Takes the import's own record away; the package stands. */
  async seal(id: string): Promise<void> {
    const folder = await this.#root.getDirectoryHandle(id);
    await folder.removeEntry(IMPORT_RECORD).catch(() => undefined);
  }

  async remove(id: string): Promise<void> {
    // A worker that was ended a moment ago may still hold a file.
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#root.removeEntry(id, { recursive: true });
        return;
      } catch (error) {
        if (error instanceof DOMException && error.name === 'NotFoundError') return;
        if (tries === 20) failed(error);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  /**
   * Reads every file and compares it with the manifest, a block at a time.
   * @throws EnhancerError `MODEL_CORRUPT` naming the first file that is not as it was written; `CANCELLED`.
   */
  async verify(id: string, onProgress: (done: number, total: number) => void, signal?: AbortSignal): Promise<void> {
    await this.#pass(id, onProgress, signal, async (record, blocks) => {
      const hash = new Sha256();
      let bytes = 0;
      for await (const block of blocks) {
        hash.update(block);
        bytes += block.length;
      }
      if (bytes !== record.bytes || hash.hex() !== record.sha256) {
        throw new EnhancerError(
          'MODEL_CORRUPT',
          `The model’s file ${record.name} is no longer what was written.`,
          'Delete the model and import it again.',
        );
      }
    });
  }

  /** Copies the package into a folder that the person chose, the manifest last. @throws EnhancerError `STORAGE_FAILED`, `CANCELLED`. */
  async copyTo(
    id: string,
    folder: FileSystemDirectoryHandle,
    onProgress: (done: number, total: number) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const copy = async (name: string, blocks: AsyncIterable<Uint8Array>): Promise<void> => {
      const file = await folder.getFileHandle(name, { create: true });
      const writable = await file.createWritable();
      try {
        for await (const block of blocks) await writable.write(block as Uint8Array<ArrayBuffer>);
      } catch (error) {
        await writable.abort().catch(() => undefined);
        throw error;
      }
      await writable.close();
    };
    try {
      await this.#pass(id, onProgress, signal, ({ name }, blocks) => copy(name, blocks));
      const manifest = (await this.#file(id, MANIFEST_NAME))!;
      await copy(MANIFEST_NAME, blocksOf(manifest));
    } catch (error) {
      failed(error);
    }
  }

  /** Every file of the manifest in turn, as blocks. */
  async #pass(
    id: string,
    onProgress: (done: number, total: number) => void,
    signal: AbortSignal | undefined,
    visit: (record: FileRecord, blocks: AsyncIterable<Uint8Array>) => Promise<void>,
  ): Promise<void> {
    const records = filesOf(await this.manifest(id));
    const total = records.reduce((sum, { bytes }) => sum + bytes, 0);
    let done = 0;
    for (const record of records) {
      const file = (await this.source(id).read(record.name)) as Blob;
      const counted = async function* () {
        for await (const block of blocksOf(file)) {
          throwIfAborted(signal);
          yield block;
          done += block.length;
          onProgress(done, total);
        }
      };
      await visit(record, counted());
    }
  }

  async #held(id: string, name: string): Promise<Handle> {
    const folder = await this.#root.getDirectoryHandle(id, { create: true });
    const file = await folder.getFileHandle(name, { create: true });
    const handle = this.#watched(await file.createSyncAccessHandle());
    handle.truncate(0);
    return handle;
  }

  async #ids(): Promise<string[]> {
    const ids: string[] = [];
    for await (const [name, handle] of this.#root.entries()) if (handle.kind === 'directory') ids.push(name);
    return ids.sort();
  }

  async #file(id: string, name: string): Promise<File | null> {
    try {
      return await (await (await this.#root.getDirectoryHandle(id)).getFileHandle(name)).getFile();
    } catch {
      return null;
    }
  }

  async #write(id: string, name: string, bytes: Uint8Array): Promise<void> {
    const file = await this.sink(id).create(name);
    await file.write(bytes);
    await file.close();
  }
}

/** A file's bytes, a block at a time. */
export async function* blocksOf(file: Blob): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.size; at += BLOCK_BYTES) {
    yield new Uint8Array(await file.slice(at, at + BLOCK_BYTES).arrayBuffer());
  }
}

export function filesOf({ parts }: Manifest): FileRecord[] {
  return Object.values(parts).flatMap(({ graph, data }) => [graph, ...data]);
}

function described(id: string, manifest: Manifest): InstalledModel {
  const parameters = (part: PartName) => manifest.parts[part]?.parameters ?? 0;
  return {
    id,
    name: manifest.name,
    bytes: filesOf(manifest).reduce((sum, { bytes }) => sum + bytes, 0),
    precision: manifest.parts.unet?.precision ?? '',
    prompted: manifest.config.contextDim > 0,
    parameters: parameters('unet') + parameters('controlnet'),
    licence: manifest.licence,
    provenance: manifest.provenance,
  };
}

function describedImport(id: string, { name, precision, files, totalBytes, finished }: ImportRecord): UnfinishedImport {
  return {
    id,
    name,
    precision,
    fileNames: (JSON.parse(files) as [string][]).map(([fileName]) => fileName),
    doneBytes: finished.reduce((sum, { bytes }) => sum + bytes, 0),
    totalBytes,
  };
}

/** @throws EnhancerError for what a write can fail with. */
function failed(cause: unknown): never {
  if (cause instanceof EnhancerError) throw cause;
  if (cause instanceof DOMException && cause.name === 'QuotaExceededError') {
    throw new EnhancerError(
      'QUOTA_EXCEEDED',
      'There is no space left for the model.',
      'Free some disk space and import it again: what is finished is kept.',
      { cause },
    );
  }
  throw new EnhancerError(
    'STORAGE_FAILED',
    'The model could not be written.',
    'Free some disk space, close other tabs of this page, and try again.',
    { cause },
  );
}
