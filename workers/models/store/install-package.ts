/**
 * A finished package, exported from here or written by `npm run pack`, into the store: its files as they are, each hashed as it is copied.
 *
 * Memory holds one block of 4 MB. Needs a worker.
 */

import { EnhancerError, throwIfAborted } from '../../errors.ts';
import type { FileRecord, Manifest } from '../manifest.ts';
import { readManifest } from '../package.ts';
import { MANIFEST_NAME } from '../package-writer.ts';
import { Sha256 } from '../sha256.ts';
import { blocksOf, filesOf, type PackageStore } from './package-store.ts';

/** A package's files as a person chose them. */
export interface PackedFiles {
  readonly manifest: Manifest;
  readonly files: ReadonlyMap<string, File>;
  readonly bytes: number;
}

/**
 * Null where there is no manifest among the files.
 * @throws EnhancerError `MODEL_CORRUPT` for a manifest that can't be read, `MODEL_MISSING` for a file that it names and that is not there.
 */
export async function packageIn(files: readonly File[]): Promise<PackedFiles | null> {
  const named = new Map(files.map((file) => [file.name, file]));
  if (!named.has(MANIFEST_NAME)) return null;
  const manifest = await readManifest({ read: async (name) => named.get(name)! });
  const records = filesOf(manifest);
  const absent = records.filter(({ name, bytes }) => named.get(name)?.size !== bytes).map(({ name }) => name);
  if (absent.length > 0) {
    throw new EnhancerError(
      'MODEL_MISSING',
      `The package ${manifest.name} lacks ${absent.slice(0, 3).join(', ')}${absent.length > 3 ? ', …' : ''}.`,
      'Choose all files of its folder together.',
    );
  }
  return { manifest, files: named, bytes: records.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** @throws EnhancerError `MODEL_CORRUPT` for a file that is not what the manifest says; what the store throws; `CANCELLED`. */
export async function installPackage(
  store: PackageStore,
  id: string,
  { manifest, files, bytes: totalBytes }: PackedFiles,
  onProgress: (writtenBytes: number, totalBytes: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const sink = store.sink(id);
  let written = 0;
  const copy = async ({ name, sha256 }: FileRecord): Promise<void> => {
    const target = await sink.create(name);
    const hash = new Sha256();
    for await (const block of blocksOf(files.get(name)!)) {
      throwIfAborted(signal);
      hash.update(block);
      await target.write(block);
      written += block.length;
      onProgress(written, totalBytes);
    }
    await target.close();
    if (hash.hex() === sha256) return;
    throw new EnhancerError(
      'MODEL_CORRUPT',
      `The package’s file ${name} is not what its manifest says.`,
      'Copy the package again from where it came from.',
    );
  };
  for (const record of filesOf(manifest)) await copy(record);
  const last = await sink.create(MANIFEST_NAME);
  await last.write(new Uint8Array(await files.get(MANIFEST_NAME)!.arrayBuffer()));
  await last.close();
}
