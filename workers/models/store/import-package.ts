/**
 * The official model's files to an installed package: tells the files apart, checks that they belong together and that there is room,
 * and converts them, going on where an earlier import of the same files stopped.
 *
 * Memory holds one tensor of the checkpoint, twice, and the shard's bookkeeping. Needs a worker.
 */

import { EnhancerError, throwIfAborted, toErrorData } from '../../errors.ts';
import { blobBytes, type Checkpoint, invalidCheckpoint } from '../checkpoint/checkpoint.ts';
import { type CheckpointKind, recogniseCheckpoint, requireTensors } from '../checkpoint/fit.ts';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import type { FileRecord, Manifest, ModelConfig, Precision } from '../manifest.ts';
import { type PackageOrder, type PlannedPackage, planPackage, writePlanned } from '../package-writer.ts';
import { textConfigOf } from '../text/text-tower.ts';
import { vaeConfigOf } from '../vae/autoencoder.ts';
import { expectedTensors } from '../venhancer/architecture.ts';
import { networkConfigOf } from '../venhancer/config-of.ts';
import type { InspectedFile, Inspection } from './inspection.ts';
import { installPackage, packageIn } from './install-package.ts';
import type { PackageStore } from './package-store.ts';

/** What an interrupted import has to do again, at most. */
const IMPORT_SHARD_BYTES = 128_000_000;
/** Graphs, manifest, and what a file system rounds up. */
const OVERHEAD_BYTES = 16_000_000;
const PRECISIONS: readonly Precision[] = ['compact', 'balanced', 'exact'];
const LICENCE = 'Apache-2.0 (VEnhancer, as its author states); the autoencoder and the text encoder under their own';

const ROLE_NAMES: Readonly<Record<CheckpointKind, string>> = {
  network: 'the VEnhancer checkpoint',
  autoencoder: 'the autoencoder',
  'text-encoder': 'the text encoder',
};

interface Opened {
  readonly file: File;
  readonly checkpoint: Checkpoint;
  readonly kind: CheckpointKind;
}

/** What the files are, what is still missing, and what each precision would take. Reads no weight. */
export async function inspectFiles(files: readonly File[], freeBytes: number | null): Promise<Inspection> {
  const packed = await inspectPackage(files, freeBytes);
  if (packed) return packed;
  const opened: Opened[] = [];
  const inspected: InspectedFile[] = [];
  for (const file of files) {
    const base = { name: file.name, bytes: file.size };
    try {
      const found = await open(file);
      opened.push(found);
      inspected.push({
        ...base,
        kind: found.kind,
        description: recogniseCheckpoint(found.checkpoint).description,
        error: null,
      });
    } catch (error) {
      inspected.push({ ...base, kind: null, description: '', error: toErrorData(error) });
    }
  }
  const kinds = opened.map(({ kind }) => kind);
  const missing = (['network', 'autoencoder', 'text-encoder'] as const).filter((kind) => !kinds.includes(kind));
  const sizes: { precision: Precision; bytes: number }[] = [];
  let error = inspected.find((each) => each.error !== null)?.error ?? null;
  if (missing.length === 0 && error === null) {
    try {
      for (const precision of PRECISIONS) {
        // Which linears int4 does not suit is found by reading them; their few megabytes don't change the estimate.
        const bytes =
          precision === 'compact' ? await compactBytes(opened) : (await planned(opened, precision)).totalBytes;
        sizes.push({ precision, bytes: bytes + OVERHEAD_BYTES });
      }
    } catch (cause) {
      error = toErrorData(cause);
    }
  }
  return { files: inspected, missing, packed: null, sizes, freeBytes, error };
}

async function inspectPackage(files: readonly File[], freeBytes: number | null): Promise<Inspection | null> {
  const plain = { files: [], missing: [], sizes: [], freeBytes };
  try {
    const packed = await packageIn(files);
    return packed && { ...plain, packed: { name: packed.manifest.name, bytes: packed.bytes }, error: null };
  } catch (cause) {
    return { ...plain, packed: null, error: toErrorData(cause) };
  }
}

export interface ImportOptions {
  readonly freeBytes: number | null;
  readonly signal?: AbortSignal;
  /** Bytes of the package written so far and in all. */
  readonly onProgress: (writtenBytes: number, totalBytes: number) => void;
}

/**
 * Files of a finished package are installed as they are, whatever the precision.
 * @returns the installed package's id.
 * @throws EnhancerError `CHECKPOINT_INVALID` before anything is written where a file is wrong; `QUOTA_EXCEEDED` with figures;
 *   `STORAGE_FAILED`; `CANCELLED`.
 */
export async function importPackage(
  store: PackageStore,
  files: readonly File[],
  precision: Precision,
  options: ImportOptions,
): Promise<{ readonly id: string; readonly manifest: Manifest }> {
  const packed = await packageIn(files);
  if (packed) {
    requireSpace(packed.bytes, options.freeBytes);
    const { manifest, bytes: totalBytes } = packed;
    const { name } = manifest;
    const { precision: own } = manifest.parts.unet!;
    const identity = JSON.stringify([[`the files of ${name}`]]);
    const id = await store.folderFor(name, own, identity);
    await store.writeImportRecord(id, { version: 1, name, precision: own, files: identity, totalBytes, finished: [] });
    await installPackage(store, id, packed, options.onProgress, options.signal);
    await store.seal(id);
    return { id, manifest };
  }
  const opened: Opened[] = [];
  for (const file of files) opened.push(await open(file));
  throwIfAborted(options.signal);
  const identity = JSON.stringify(
    opened.map(({ file }) => [file.name, file.size, file.lastModified]).sort(([a], [b]) => (a! < b! ? -1 : 1)),
  );
  const network = opened.find(({ kind }) => kind === 'network');
  const name = network?.file.name.replace(/\.\w+$/, '') ?? '';
  const plan = await planned(opened, precision, options.signal);
  const id = await store.folderFor(name, precision, identity);
  const before = await store.importRecord(id);
  const finished = new Map((before?.finished ?? []).map((record) => [record.name, record]));
  const doneBytes = [...finished.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  requireSpace(plan.totalBytes + OVERHEAD_BYTES - doneBytes, options.freeBytes);
  const records: FileRecord[] = [...finished.values()];
  const note = () =>
    store.writeImportRecord(id, {
      version: 1,
      name,
      precision,
      files: identity,
      totalBytes: plan.totalBytes,
      finished: records,
    });
  await note();
  const manifest = await writePlanned(plan, store.sink(id), {
    finished,
    shardBytes: IMPORT_SHARD_BYTES,
    onProgress: options.onProgress,
    onShard: async (record) => {
      records.push(record);
      await note();
    },
    ...(options.signal ? { signal: options.signal } : {}),
  });
  await store.seal(id);
  return { id, manifest };
}

async function open(file: File): Promise<Opened> {
  const checkpoint = await openCheckpoint(blobBytes(file));
  const kind = kindOf(checkpoint);
  if (kind) return { file, checkpoint, kind };
  throw invalidCheckpoint(`${file.name} looks like ${recogniseCheckpoint(checkpoint).description}.`, {
    hint: 'Choose the three files that the page names.',
  });
}

function kindOf(checkpoint: Checkpoint): CheckpointKind | null {
  const { kind } = recogniseCheckpoint(checkpoint);
  if (kind) return kind;
  return textConfigOf(checkpoint) ? 'text-encoder' : vaeConfigOf(checkpoint) ? 'autoencoder' : null;
}

function orderOf(opened: readonly Opened[], precision: Precision): PackageOrder {
  const of = (kind: CheckpointKind): Opened => {
    const found = opened.filter((each) => each.kind === kind);
    if (found.length === 1) return found[0]!;
    const why =
      found.length === 0
        ? `No file is ${ROLE_NAMES[kind]}.`
        : `${found.length} files are ${ROLE_NAMES[kind]}: one is needed.`;
    throw invalidCheckpoint(why, { hint: 'Choose the three files that the page names.' });
  };
  const [network, autoencoder, text] = [of('network'), of('autoencoder'), of('text-encoder')];
  const own = networkConfigOf(network.checkpoint);
  if (!own) {
    throw invalidCheckpoint(`${network.file.name} is a VEnhancer network of a shape that this page does not know.`);
  }
  requireTensors(network.checkpoint, expectedTensors(own));
  const tower = textConfigOf(text.checkpoint);
  const contextLength = own.contextDim === 0 || !tower ? own.contextLength : tower.contextLength;
  const config: ModelConfig = { ...own, contextLength, prediction: 'velocity', latentScale: 0.18215 };
  return {
    name: network.file.name.replace(/\.\w+$/, ''),
    config,
    checkpoint: network.checkpoint,
    autoencoder: autoencoder.checkpoint,
    text: text.checkpoint,
    precision,
    licence: LICENCE,
    provenance: `converted by the page from ${opened.map(({ file }) => file.name).join(', ')}`,
  };
}

function planned(opened: readonly Opened[], precision: Precision, signal?: AbortSignal): Promise<PlannedPackage> {
  return planPackage(orderOf(opened, precision), { shardBytes: IMPORT_SHARD_BYTES, ...(signal ? { signal } : {}) });
}

/** As if int4 suited every linear: no weight is read for it. */
async function compactBytes(opened: readonly Opened[]): Promise<number> {
  const unread = opened.map((each) => ({
    ...each,
    checkpoint: {
      keys: () => each.checkpoint.keys(),
      has: (key: string) => each.checkpoint.has(key),
      shape: (key: string) => each.checkpoint.shape(key),
      type: (key: string) => each.checkpoint.type(key),
      read: async () => new Float32Array(0),
    },
  }));
  return (await planned(unread, 'compact')).totalBytes;
}

function requireSpace(needed: number, free: number | null): void {
  if (free === null || needed <= free) return;
  throw new EnhancerError(
    'QUOTA_EXCEEDED',
    `The model needs ${gigabytes(needed)} of this browser’s storage, and ${gigabytes(free)} are free.`,
    'Free some disk space, delete another model, or choose a smaller precision.',
  );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
