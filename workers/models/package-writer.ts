/**
 * Writes a model package: `<part>.onnx`, its external data in shards, and `manifest.json` last, so that a package with a manifest is whole.
 *
 * Weights stream tensor by tensor: memory holds one tensor, or the part of it that a weight is, twice. Time is the checkpoint's reading plus about 150 MB/s of hashing.
 * Runs anywhere: files go to a {@link PackageSink}.
 */

import { throwIfAborted } from '../errors.ts';
import type { Checkpoint } from './checkpoint/checkpoint.ts';
import type { FileRecord, Manifest, ModelConfig, PartName, PartRecord, Precision } from './manifest.ts';
import { flopsPerPixel, parameterCount } from './onnx/cost.ts';
import type { Graph } from './onnx/graph.ts';
import { modelFile, type Placement } from './onnx/model-file.ts';
import { type Checkpoints, completeConfig, type PackagePart, packageParts } from './package-parts.ts';
import { encodedBytes, encodeWeight } from './quantise/encode.ts';
import { Sha256 } from './sha256.ts';
import { latentFactorOf } from './vae/network.ts';

/** Where a package's files go. Files are written one after another, each once. */
export interface PackageSink {
  create(name: string): Promise<PackageFile>;
}

export interface PackageFile {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

export interface PackageOrder {
  readonly name: string;
  readonly config: ModelConfig;
  readonly checkpoint: Checkpoint;
  /** A KL autoencoder's checkpoint, and OpenCLIP's, for a model that needs them. */
  readonly autoencoder?: Checkpoint;
  readonly text?: Checkpoint;
  readonly precision: Precision;
  readonly licence: string;
  readonly provenance: string;
  readonly strengthMap?: Manifest['strengthMap'];
}

export interface WriteOptions {
  readonly signal?: AbortSignal;
  /** Bytes of weights written so far and in all. */
  readonly onProgress?: (writtenBytes: number, totalBytes: number) => void;
  /** At most {@link SHARD_BYTES}. */
  readonly shardBytes?: number;
  /** Shards that an earlier run finished, by name: those of the expected size are taken as they are. */
  readonly finished?: ReadonlyMap<string, FileRecord>;
  /** After every finished shard: what a later run may be given as `finished`. */
  readonly onShard?: (record: FileRecord) => Promise<void> | void;
}

/** A package before it is written: everything that can be wrong with the checkpoints has been found. */
export interface PlannedPackage {
  readonly order: PackageOrder;
  readonly parts: readonly (PackagePart & Layout)[];
  /** Of all weights; graphs and manifest add a few megabytes. */
  readonly totalBytes: number;
}

interface Layout {
  readonly placements: ReadonlyMap<string, Placement>;
  readonly shards: readonly Shard[];
}

export const MANIFEST_NAME = 'manifest.json';
export const SHARD_BYTES = 512_000_000;
/** Typed arrays over a shard may start at any tensor. */
const ALIGNMENT = 64;
/** SPEC §3: the VAE of the reference. */
const REFERENCE_FACTOR = 8;
const REFERENCE_SCALE = 0.18215;

/**
 * @throws EnhancerError `CHECKPOINT_INVALID` where the checkpoint does not fit the config (before anything is written), or has a
 *   value that can't be stored; `CANCELLED`.
 */
export async function writePackage(
  order: PackageOrder,
  sink: PackageSink,
  options: WriteOptions = {},
): Promise<Manifest> {
  return writePlanned(await planPackage(order, options), sink, options);
}

/** @throws EnhancerError `CHECKPOINT_INVALID` where a checkpoint does not fit; `CANCELLED`. */
export async function planPackage(order: PackageOrder, options: WriteOptions = {}): Promise<PlannedPackage> {
  const checkpoints: Checkpoints = { ...order, network: order.checkpoint };
  const config = completeConfig(order.config, checkpoints);
  const parts = await packageParts(config, checkpoints, order.precision, options.signal);
  const plans = parts.map((part) => ({
    ...part,
    ...placed(part.name, part.graph, options.shardBytes ?? SHARD_BYTES),
  }));
  const totalBytes = plans.reduce(
    (sum, { shards }) => sum + shards.reduce((bytes, shard) => bytes + shard.bytes, 0),
    0,
  );
  return { order: { ...order, config }, parts: plans, totalBytes };
}

/** @throws EnhancerError `CHECKPOINT_INVALID` for a value that can't be stored; `CANCELLED`; what the sink throws. */
export async function writePlanned(
  { order, parts: plans, totalBytes }: PlannedPackage,
  sink: PackageSink,
  options: WriteOptions = {},
): Promise<Manifest> {
  let writtenBytes = 0;
  const records: { [name in PartName]?: PartRecord } = {};
  for (const { name: part, graph, checkpoint, precision, placements, shards } of plans) {
    const data: FileRecord[] = [];
    for (const shard of shards) {
      const known = options.finished?.get(shard.name);
      if (known?.bytes === shard.bytes) {
        writtenBytes += shard.bytes;
        options.onProgress?.(writtenBytes, totalBytes);
        data.push(known);
        continue;
      }
      const onBytes = (bytes: number) => {
        writtenBytes += bytes;
        options.onProgress?.(writtenBytes, totalBytes);
      };
      const record = await writeShard(shard, graph, placements, checkpoint, sink, onBytes, options.signal);
      data.push(record);
      await options.onShard?.(record);
    }
    const bytes = modelFile(graph, placements);
    const file = await HashedFile.create(sink, `${part}.onnx`);
    await file.write(bytes);
    records[part] = {
      graph: await file.finish(),
      data,
      precision,
      parameters: parameterCount(graph),
      flopsPerLatentPixel: flopsPerPixel(graph),
      inputs: graph.inputs.map(({ name }) => name),
      outputs: graph.outputs.map(({ name }) => name),
    };
  }
  const manifest = describe(order, records, largestTensorBytes(plans.map(({ graph }) => graph)));
  const file = await sink.create(MANIFEST_NAME);
  await file.write(new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`));
  await file.close();
  return manifest;
}

interface Shard {
  readonly name: string;
  bytes: number;
}

/** Lays a graph's weights into shards: in the graph's order, aligned, none across two shards. */
function placed(part: PartName, graph: Graph, shardBytes: number): Layout {
  const placements = new Map<string, Placement>();
  const shards: Shard[] = [];
  for (const { name, bytes } of graph.weights.flatMap(encodedBytes)) {
    let shard = shards.at(-1);
    let offset = shard === undefined ? 0 : Math.ceil(shard.bytes / ALIGNMENT) * ALIGNMENT;
    if (shard === undefined || offset + bytes > shardBytes) {
      shard = { name: `${part}-${shards.length}.bin`, bytes: 0 };
      shards.push(shard);
      offset = 0;
    }
    placements.set(name, { location: shard.name, offset, bytes });
    shard.bytes = offset + bytes;
  }
  return { placements, shards };
}

async function writeShard(
  shard: Shard,
  graph: Graph,
  placements: ReadonlyMap<string, Placement>,
  checkpoint: Checkpoint,
  sink: PackageSink,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<FileRecord> {
  const file = await HashedFile.create(sink, shard.name);
  for (const weight of graph.weights) {
    const inShard = encodedBytes(weight).some(({ name }) => placements.get(name)?.location === shard.name);
    if (!inShard) continue;
    throwIfAborted(signal);
    for (const { name, bytes } of encodeWeight(weight, await checkpoint.read(weight.key, weight.part))) {
      const placement = placements.get(name)!;
      if (placement.location !== shard.name) continue;
      if (placement.offset > file.bytes) await file.write(new Uint8Array(placement.offset - file.bytes));
      await file.write(bytes);
    }
    onBytes(file.bytes - (file.reported ?? 0));
    file.reported = file.bytes;
  }
  return file.finish();
}

/** A file of the sink that counts and hashes what passes. */
class HashedFile {
  readonly #name: string;
  readonly #file: PackageFile;
  readonly #hash = new Sha256();
  bytes = 0;
  reported = 0;

  private constructor(name: string, file: PackageFile) {
    this.#name = name;
    this.#file = file;
  }

  static async create(sink: PackageSink, name: string): Promise<HashedFile> {
    return new HashedFile(name, await sink.create(name));
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    this.bytes += bytes.length;
    await this.#file.write(bytes);
  }

  async finish(): Promise<FileRecord> {
    await this.#file.close();
    return { name: this.#name, bytes: this.bytes, sha256: this.#hash.hex() };
  }
}

function describe(order: PackageOrder, parts: Manifest['parts'], tensorBytes: number): Manifest {
  const { config } = order;
  const perChannel = (value: number | readonly number[]) =>
    typeof value === 'number' ? Array<number>(config.latentChannels).fill(value) : value;
  return {
    formatVersion: 1,
    name: order.name,
    family: config.family,
    config,
    parts,
    requires: { features: [], limits: { maxBufferSize: tensorBytes, maxStorageBufferBindingSize: tensorBytes } },
    schedule: 'cosine-logsnr-shifted',
    prediction: config.prediction ?? 'velocity',
    latentFactor: latentFactor(config),
    latentShift: perChannel(config.latentShift ?? 0),
    latentScale: perChannel(
      config.latentScale ?? (config.autoencoder?.family === 'block-transform' ? 1 : REFERENCE_SCALE),
    ),
    ...(order.strengthMap === undefined ? {} : { strengthMap: order.strengthMap }),
    licence: order.licence,
    provenance: order.provenance,
  };
}

function latentFactor({ autoencoder }: ModelConfig): number {
  if (autoencoder?.family === 'block-transform') return autoencoder.factor;
  return autoencoder?.family === 'kl' ? latentFactorOf(autoencoder) : REFERENCE_FACTOR;
}

/** The largest weight as the device computes with it, in float32. */
function largestTensorBytes(graphs: readonly Graph[]): number {
  const sizes = graphs.flatMap((graph) =>
    graph.weights.map(({ storedDims }) => 4 * storedDims.reduce((total, size) => total * size, 1)),
  );
  return Math.max(0, ...sizes);
}
