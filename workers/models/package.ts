/**
 * Reads a model package: the manifest, then each part's graph and external data, every file checked against its size and hash.
 *
 * Graphs come as bytes; data comes as the source gives it, so that a source of blobs keeps gigabytes out of the heap (each is hashed
 * through memory once, at most a shard at a time, unless `verify` is false). Runs anywhere.
 */

import { EnhancerError } from '../errors.ts';
import { parseConfig } from './config.ts';
import type { FileRecord, Manifest, PartName, PartRecord } from './manifest.ts';
import { MANIFEST_NAME } from './package-writer.ts';

export { activationBytes, modelInfo, partDimensions } from './model-info.ts';

/** Where a package's files are read from. */
export interface PackageSource {
  /** @throws EnhancerError `MODEL_MISSING` (or anything) where there is no such file. */
  read(name: string): Promise<Uint8Array | Blob>;
}

/** One part, as `runtime/` makes a session of it. */
export interface LoadedPart {
  readonly graph: Uint8Array;
  /** External data by the location name that the graph uses. */
  readonly data: readonly { readonly name: string; readonly bytes: Uint8Array | Blob }[];
}

export interface LoadedPackage {
  readonly manifest: Manifest;
  readonly parts: { readonly [name in PartName]?: LoadedPart };
}

export interface LoadOptions {
  /** Only these parts; all when absent. */
  readonly parts?: readonly PartName[];
  /** Compare hashes; true when absent. Sizes are always compared. */
  readonly verify?: boolean;
}

const PART_NAMES: readonly PartName[] = ['vae-encoder', 'vae-decoder', 'controlnet', 'unet', 'text-encoder'];

/** @throws EnhancerError `MODEL_MISSING` for an absent file, `MODEL_CORRUPT` for one that is not what the manifest says. */
export async function loadPackage(source: PackageSource, options: LoadOptions = {}): Promise<LoadedPackage> {
  const manifest = await readManifest(source);
  const parts: { [name in PartName]?: LoadedPart } = {};
  for (const name of PART_NAMES) {
    const record = manifest.parts[name];
    if (record === undefined || options.parts?.includes(name) === false) continue;
    parts[name] = await loadPart(source, record, options.verify !== false);
  }
  return { manifest, parts };
}

/** @throws EnhancerError as {@link loadPackage}. */
export async function readManifest(source: PackageSource): Promise<Manifest> {
  const bytes = await asBytes(await fileOf(source, MANIFEST_NAME));
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw corrupt(`${MANIFEST_NAME} cannot be read`, error);
  }
  return parseManifest(value);
}

/** One part, checked as {@link loadPackage} does. @throws EnhancerError as that. */
export async function loadPart(source: PackageSource, record: PartRecord, verify: boolean): Promise<LoadedPart> {
  const graph = await asBytes(await checkedFile(source, record.graph, verify));
  const data = [];
  for (const file of record.data) data.push({ name: file.name, bytes: await checkedFile(source, file, verify) });
  return { graph, data };
}

async function checkedFile(source: PackageSource, record: FileRecord, verify: boolean): Promise<Uint8Array | Blob> {
  const file = await fileOf(source, record.name);
  const size = file instanceof Blob ? file.size : file.length;
  if (size !== record.bytes) throw corrupt(`${record.name} has ${size} bytes instead of ${record.bytes}`);
  if (verify && (await sha256(await asBytes(file))) !== record.sha256) throw corrupt(`${record.name} has been changed`);
  return file;
}

async function fileOf(source: PackageSource, name: string): Promise<Uint8Array | Blob> {
  try {
    return await source.read(name);
  } catch (error) {
    if (error instanceof EnhancerError) throw error;
    throw new EnhancerError(
      'MODEL_MISSING',
      `The model's file ${name} could not be read.`,
      'Install the model again, or reload the page if it is the built-in one.',
      { cause: error },
    );
  }
}

async function asBytes(file: Uint8Array | Blob): Promise<Uint8Array> {
  return file instanceof Blob ? new Uint8Array(await file.arrayBuffer()) : file;
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @throws EnhancerError `MODEL_CORRUPT`, naming what is wrong. */
export function parseManifest(value: unknown): Manifest {
  const fields = objectOf(value, MANIFEST_NAME);
  if (fields.formatVersion !== 1) throw corrupt(`its format version is ${JSON.stringify(fields.formatVersion)}, not 1`);
  const config = parseConfig(fields.config);
  const recorded = objectOf(fields.parts, '"parts"');
  const parts: { [name in PartName]?: PartRecord } = {};
  for (const name of PART_NAMES) if (recorded[name] !== undefined) parts[name] = partOf(recorded[name], name);
  for (const name of ['controlnet', 'unet'] as const) if (!parts[name]) throw corrupt(`it has no ${name}`);
  const scales = { latentShift: fields.latentShift, latentScale: fields.latentScale };
  for (const [name, list] of Object.entries(scales)) {
    if (!Array.isArray(list) || list.length !== config.latentChannels || !list.every(Number.isFinite)) {
      throw corrupt(`"${name}" is not a list of ${config.latentChannels} numbers`);
    }
  }
  if (!Number.isSafeInteger(fields.latentFactor) || (fields.latentFactor as number) < 1)
    throw corrupt('"latentFactor"');
  if (fields.prediction !== 'velocity' && fields.prediction !== 'residual') throw corrupt('"prediction" is unknown');
  return { ...(fields as unknown as Manifest), config, parts };
}

function partOf(value: unknown, name: string): PartRecord {
  const fields = objectOf(value, name);
  if (!Array.isArray(fields.data)) throw corrupt(`${name} has no list of data files`);
  return {
    ...(fields as unknown as PartRecord),
    graph: fileRecordOf(fields.graph, name),
    data: fields.data.map((file) => fileRecordOf(file, name)),
  };
}

function fileRecordOf(value: unknown, part: string): FileRecord {
  const { name, bytes, sha256: hash } = objectOf(value, `a file of ${part}`);
  const named = typeof name === 'string' && /^[\w-][\w.-]*$/.test(name);
  if (!named || !Number.isSafeInteger(bytes) || typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) {
    throw corrupt(`a file of ${part} is not described by name, bytes and hash`);
  }
  return { name, bytes: bytes as number, sha256: hash };
}

function objectOf(value: unknown, what: string): { readonly [field: string]: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw corrupt(`${what} is not an object`);
  return value as { readonly [field: string]: unknown };
}

function corrupt(what: string, cause?: unknown): EnhancerError {
  const hint = 'Install the model again; the download may be incomplete.';
  const message = `The model package is damaged: ${what}.`;
  return new EnhancerError('MODEL_CORRUPT', message, hint, cause === undefined ? {} : { cause });
}
