import { beforeAll, describe, expect, it } from 'vitest';
import { type Checkpoint, itemsOf } from './checkpoint/checkpoint.ts';
import { parseConfig } from './config.ts';
import type { FileRecord, Manifest, ModelConfig } from './manifest.ts';
import { loadPackage, modelInfo, parseManifest, partDimensions } from './package.ts';
import { type PackageSink, type WriteOptions, writePackage } from './package-writer.ts';
import { expectedTensors, NETWORK_PARTS, networkGraph } from './venhancer/architecture.ts';

const CHANNELS = 24;
const CONFIG: ModelConfig = parseConfig({
  family: 'venhancer',
  latentChannels: CHANNELS,
  dim: 16,
  multipliers: [1, 2],
  blocks: 1,
  headDim: 8,
  firstTemporalHeads: 2,
  attentionLevels: [1],
  contextDim: 0,
  contextLength: 0,
  groups: 8,
  padding: 'plain',
  autoencoder: { family: 'block-transform', factor: 4 },
  prediction: 'residual',
  latentShift: Array(CHANNELS).fill(0.5),
  latentScale: 2,
});

function checkpointFor(config: ModelConfig): Checkpoint {
  const tensors = expectedTensors(config);
  return {
    keys: () => [...tensors.keys()],
    has: (key) => tensors.has(key),
    shape: (key) => tensors.get(key)!,
    type: () => 'float32',
    read: async (key, part) => {
      const [start, end] = itemsOf(
        tensors.get(key)!.reduce((size, n) => size * n, 1),
        part,
      );
      return new Float32Array(end - start).fill(0.01);
    },
  };
}

type Files = Map<string, Uint8Array>;

async function write(options: WriteOptions = {}): Promise<{ files: Files; manifest: Manifest }> {
  const files: Files = new Map();
  const sink: PackageSink = {
    async create(name) {
      const chunks: Uint8Array[] = [];
      return {
        write: async (bytes) => void chunks.push(bytes.slice()),
        close: async () => void files.set(name, new Uint8Array(Buffer.concat(chunks))),
      };
    },
  };
  const order = { name: 'small', config: CONFIG, checkpoint: checkpointFor(CONFIG), precision: 'balanced' } as const;
  const manifest = await writePackage({ ...order, licence: 'Apache-2.0', provenance: 'a test' }, sink, options);
  return { files, manifest };
}

const sourceOf = (files: Files) => ({
  read: async (name: string) => {
    const file = files.get(name);
    if (file === undefined) throw new Error(`no ${name}`);
    return file;
  },
});

describe('writing that was interrupted', () => {
  it('goes on after its last finished shard, to the same package', async () => {
    const whole = await write({ shardBytes: 100_000 });
    const finished = new Map<string, FileRecord>();
    const stop = new AbortController();
    const interrupted = write({
      shardBytes: 100_000,
      signal: stop.signal,
      onShard: (record) => {
        finished.set(record.name, record);
        if (finished.size === 2) stop.abort();
      },
    });
    await expect(interrupted).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(finished.size).toBe(2);
    const progress: number[] = [];
    const rest = await write({ shardBytes: 100_000, finished, onProgress: (written) => progress.push(written) });
    expect(rest.manifest).toEqual(whole.manifest);
    const made = [...rest.files.keys()];
    expect([...whole.files.keys()].filter((name) => !made.includes(name))).toEqual([...finished.keys()]);
    const doneBytes = [...finished.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    expect(progress[1]).toBe(doneBytes);
  });

  it('begins a shard anew whose size is not what it should be', async () => {
    const { manifest } = await write({ shardBytes: 100_000 });
    const record = manifest.parts.controlnet!.data[0]!;
    const finished = new Map([[record.name, { ...record, bytes: record.bytes - 1 }]]);
    const again = await write({ shardBytes: 100_000, finished });
    expect(again.files.has(record.name)).toBe(true);
    expect(again.manifest).toEqual(manifest);
  });
});

describe('a package', () => {
  let files: Files;
  let manifest: Manifest;
  beforeAll(async () => {
    ({ files, manifest } = await write({ shardBytes: 40_000 }));
  });

  it('is read back as it was written', async () => {
    const loaded = await loadPackage(sourceOf(files));
    expect(loaded.manifest).toEqual(manifest);
    expect(Object.keys(loaded.parts)).toEqual(['vae-encoder', 'vae-decoder', 'controlnet', 'unet']);
    expect(loaded.parts.unet!.graph).toEqual(files.get('unet.onnx'));
    expect(loaded.manifest.latentScale).toEqual(Array(CHANNELS).fill(2));
    expect(loaded.manifest.latentFactor).toBe(4);
  });

  it('keeps shards to their size, whole tensors in each', () => {
    const { data } = manifest.parts.unet!;
    expect(data.length).toBeGreaterThan(2);
    expect(Math.max(...data.map(({ bytes }) => bytes))).toBeLessThanOrEqual(40_000);
  });

  it('reads only the parts that are asked for', async () => {
    const only = new Map([...files].filter(([name]) => !name.startsWith('unet')));
    const { parts } = await loadPackage(sourceOf(only), { parts: ['controlnet'] });
    expect(Object.keys(parts)).toEqual(['controlnet']);
  });

  it('takes blobs', async () => {
    const source = { read: async (name: string) => new Blob([files.get(name)! as Uint8Array<ArrayBuffer>]) };
    const { parts } = await loadPackage(source);
    expect(parts.unet!.data[0]!.bytes).toBeInstanceOf(Blob);
  });

  it('is refused when a file is missing, cut or changed', async () => {
    const shard = 'unet-0.bin';
    const changed = (bytes: Uint8Array) => sourceOf(new Map([...files, [shard, bytes]]));
    const without = sourceOf(new Map([...files].filter(([name]) => name !== shard)));
    await expect(loadPackage(without)).rejects.toMatchObject({ code: 'MODEL_MISSING' });
    const bytes = files.get(shard)!;
    await expect(loadPackage(changed(bytes.slice(1)))).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
    const flipped = bytes.slice();
    flipped[100]! ^= 1;
    await expect(loadPackage(changed(flipped))).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
    await expect(loadPackage(changed(flipped), { verify: false })).resolves.toBeDefined();
  });

  it('tells the plan its grid, its work and its bytes', () => {
    const info = modelInfo(manifest);
    expect(info.latentHeightRule).toEqual({ modulus: 2, remainder: 0 });
    expect(info.prompted).toBe(false);
    expect(info.autoencoderGigaflopsPerLatentPixel * 1e9).toBe(3 * 2 * CHANNELS * 48);
    const written = [...files].filter(([name]) => name !== 'manifest.json');
    expect(info.weightBytes).toBe(written.reduce((sum, [, bytes]) => sum + bytes.length, 0));
    expect(info.activationBytesPerLatentPixel).toBeGreaterThan(4 * 16 * 4);
    const reference = { ...manifest, config: { ...CONFIG, multipliers: [1, 2, 4, 4], padding: 'reference' as const } };
    expect(modelInfo(reference).latentHeightRule).toEqual({ modulus: 8, remainder: 2 });
  });
});

describe('dimensions', () => {
  it('name every symbol of every graph', async () => {
    const { manifest } = await write();
    const named = partDimensions(manifest, 3, 8, 6);
    expect(named).toEqual({ F: 3, h: 8, w: 6, h1: 4, w1: 3, H: 32, W: 24 });
    const graphs = NETWORK_PARTS.map((part) => networkGraph(CONFIG, part));
    const symbols = graphs.flatMap(({ inputs, outputs }) =>
      [...inputs, ...outputs].flatMap(({ shape }) => shape.flatMap((size) => size.symbols)),
    );
    expect(symbols.every((symbol) => symbol in named)).toBe(true);
  });
});

describe('writing', () => {
  it('stops when told to', async () => {
    await expect(write({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('reports every byte of the weights', async () => {
    const progress: number[] = [];
    await write({ onProgress: (written, total) => progress.push(written / total) });
    expect(progress.at(-1)).toBe(1);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
  });
});

describe('a manifest', () => {
  it.each<[string, (manifest: { [field: string]: unknown }) => void]>([
    ['another format version', (manifest) => Object.assign(manifest, { formatVersion: 2 })],
    ['no unet', (manifest) => Object.assign(manifest, { parts: {} })],
    ['a scale too short', (manifest) => Object.assign(manifest, { latentScale: [1] })],
    ['a config that is none', (manifest) => Object.assign(manifest, { config: { ...CONFIG, groups: 7 } })],
    [
      'a file outside its folder',
      (manifest) => {
        const unet = (manifest.parts as { unet: { graph: object } }).unet;
        Object.assign(unet.graph, { name: '../unet.onnx' });
      },
    ],
  ])('is refused with %s', async (_, spoil) => {
    const { manifest } = await write();
    const copy = structuredClone(manifest) as unknown as { [field: string]: unknown };
    spoil(copy);
    expect(() => parseManifest(copy)).toThrow(expect.objectContaining({ code: 'MODEL_CORRUPT' }));
  });
});
