/** The installed models and what is being done to them: a store of its own, beside the session. No React, no DOM. */

import { createStore, type StoreApi } from 'zustand/vanilla';
import { type ErrorData, toErrorData } from '../../workers/errors.ts';
import type { Library } from '../../workers/library-protocol.ts';
import type { Precision } from '../../workers/models/manifest.ts';
import type { Inspection } from '../../workers/models/store/inspection.ts';
import type { ModelLibrary, OnProgress } from '../client/model-library.ts';

export type ModelWork = 'inspect' | 'install' | 'verify' | 'export' | 'remove';

export interface UnderWay {
  readonly work: ModelWork;
  /** The model that it is about; null for files that are not one yet. */
  readonly id: string | null;
  readonly doneBytes: number;
  /** 0 until it is known. */
  readonly totalBytes: number;
}

export interface ModelsState {
  readonly library: Library;
  /** Files chosen for a new model. */
  readonly files: readonly File[];
  readonly inspection: Inspection | null;
  readonly underWay: UnderWay | null;
  readonly failure: ErrorData | null;
  /** Models found whole in this visit. */
  readonly verifiedIds: readonly string[];
  readonly managerOpen: boolean;
}

export interface Models {
  readonly store: StoreApi<ModelsState>;
  refresh(): Promise<void>;
  openManager(): void;
  closeManager(): void;
  /** Adds files to those chosen, and looks at them. */
  addFiles(files: readonly File[]): Promise<void>;
  forgetFiles(): void;
  /** @returns the new model's id; null where it failed or was cancelled. */
  install(precision: Precision): Promise<string | null>;
  verify(id: string): Promise<void>;
  copyTo(id: string, folder: FileSystemDirectoryHandle): Promise<void>;
  remove(id: string): Promise<void>;
  cancel(): void;
}

const NO_LIBRARY: Library = { models: [], unfinished: [], freeBytes: null };
const CHECKPOINT_NAME = /\.(pt|pth|bin|ckpt|safetensors|onnx)$|^manifest\.json$/i;

/** Whether a file is one for the model manager, by its name. */
export function isCheckpoint(file: File): boolean {
  return CHECKPOINT_NAME.test(file.name);
}

export function createModels(library: ModelLibrary): Models {
  const store = createStore<ModelsState>(() => ({
    library: NO_LIBRARY,
    files: [],
    inspection: null,
    underWay: null,
    failure: null,
    verifiedIds: [],
    managerOpen: false,
  }));
  const get = store.getState;
  const set = (patch: Partial<ModelsState>): void => store.setState(patch);

  /** One thing at a time; what it fails with is told, but for a cancel. @returns null where it failed. */
  async function during<T>(
    work: ModelWork,
    id: string | null,
    run: (onProgress: OnProgress) => Promise<T>,
  ): Promise<T | null> {
    if (get().underWay) return null;
    set({ underWay: { work, id, doneBytes: 0, totalBytes: 0 }, failure: null });
    try {
      return await run((doneBytes, totalBytes) => set({ underWay: { work, id, doneBytes, totalBytes } }));
    } catch (cause) {
      const failure = toErrorData(cause);
      if (failure.code !== 'CANCELLED') set({ failure });
      return null;
    } finally {
      set({ underWay: null });
    }
  }

  async function refresh(): Promise<void> {
    // Without private storage there are none, and an import will say why.
    const found = await library.list().catch(() => NO_LIBRARY);
    set({ library: found });
  }

  void refresh();

  return {
    store,
    refresh,
    openManager: () => set({ managerOpen: true }),
    closeManager: () => set({ managerOpen: false }),
    async addFiles(more) {
      if (get().underWay || more.length === 0) return;
      // The same file again takes the place of its earlier choice.
      const kept = get().files.filter(({ name }) => !more.some((file) => file.name === name));
      const files = [...kept, ...more];
      set({ files, inspection: null, managerOpen: true });
      const inspection = await during('inspect', null, () => library.inspect(files));
      if (inspection) set({ inspection });
    },
    forgetFiles() {
      if (!get().underWay) set({ files: [], inspection: null, failure: null });
    },
    async install(precision) {
      const { files } = get();
      const id = await during('install', null, (onProgress) => library.install(files, precision, onProgress));
      await refresh();
      if (id !== null) set({ files: [], inspection: null });
      return id;
    },
    async verify(id) {
      const verified = await during('verify', id, async (onProgress) => {
        await library.verify(id, onProgress);
        return true;
      });
      if (verified) set({ verifiedIds: [...get().verifiedIds.filter((known) => known !== id), id] });
    },
    async copyTo(id, folder) {
      await during('export', id, (onProgress) => library.copyTo(id, folder, onProgress));
    },
    async remove(id) {
      await during('remove', id, () => library.remove(id));
      await refresh();
    },
    cancel: () => library.cancel(),
  };
}
