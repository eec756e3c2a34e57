/** The three files told apart, refused and converted, with a store in memory in place of the browser's. */

import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { pack } from '../../../tools/pack.ts';
import {
  safetensorsCheckpoint,
  tinyAutoencoderTensors,
  tinyNetworkTensors,
  tinyTextTensors,
  torchCheckpoint,
} from '../../../tools/tiny-model.ts';
import { loadPackage } from '../package.ts';
import type { PackageSink } from '../package-writer.ts';
import { importPackage, inspectFiles } from './import-package.ts';
import type { ImportRecord, PackageStore } from './package-store.ts';

const ENOUGH = 1e12;

/** What the import asks of a store. */
class MemoryStore {
  readonly files = new Map<string, Uint8Array>();
  record: ImportRecord | null = null;
  sealed = false;

  readonly importRecord = async () => this.record;
  readonly writeImportRecord = async (_id: string, record: ImportRecord) => {
    this.record = record;
  };
  readonly folderFor = async (name: string, precision: string) => `${name}-${precision}`;
  readonly seal = async () => {
    this.sealed = true;
  };
  readonly sink = (): PackageSink => ({
    create: async (name) => {
      const chunks: Uint8Array[] = [];
      return {
        write: async (bytes) => void chunks.push(bytes.slice()),
        close: async () => void this.files.set(name, new Uint8Array(Buffer.concat(chunks))),
      };
    },
  });
}

/** Files by name and hash. */
function contents({ files }: MemoryStore): string[] {
  return [...files].map(([name, bytes]) => `${name} ${createHash('sha256').update(bytes).digest('hex')}`).sort();
}

const asStore = (store: MemoryStore) => store as unknown as PackageStore;
const fileOf = (name: string, bytes: Buffer) => new File([new Uint8Array(bytes)], name, { lastModified: 1 });

let network: File;
let autoencoder: File;
let text: File;

beforeAll(async () => {
  network = fileOf('net.pt', await torchCheckpoint(tinyNetworkTensors()));
  autoencoder = fileOf('vae.safetensors', safetensorsCheckpoint(tinyAutoencoderTensors()));
  text = fileOf('clip.bin', await torchCheckpoint(tinyTextTensors()));
});

describe('files for a model', () => {
  it('are told apart whatever their names, and what each precision takes is known before', async () => {
    const odd = [fileOf('a', Buffer.from(await text.arrayBuffer())), network, autoencoder];
    const { files, missing, sizes, error } = await inspectFiles(odd, null);
    expect(files.map(({ kind }) => kind)).toEqual(['text-encoder', 'network', 'autoencoder']);
    expect([missing, error]).toEqual([[], null]);
    expect(sizes.map(({ precision }) => precision)).toEqual(['compact', 'balanced', 'exact']);
    const store = new MemoryStore();
    await importPackage(asStore(store), odd, 'compact', { freeBytes: ENOUGH, onProgress() {} });
    const bytes = [...store.files.values()].reduce((sum, file) => sum + file.length, 0);
    const allowed = sizes[0]!.bytes;
    expect(bytes).toBeLessThanOrEqual(allowed);
    expect(bytes).toBeGreaterThan(allowed - 16e6);
  });

  it('that are missing, doubled or of another model are named', async () => {
    expect((await inspectFiles([network], null)).missing).toEqual(['autoencoder', 'text-encoder']);
    const doubled = await inspectFiles([network, network, autoencoder, text], null);
    expect(doubled.error?.message).toMatch(/2 files are the VEnhancer checkpoint/);
    const wide = fileOf(
      'wide.safetensors',
      safetensorsCheckpoint(
        new Map([...tinyTextTensors()].map(([key, shape]) => [key, shape.map((n) => (n === 32 ? 64 : n))])),
      ),
    );
    const strange = await inspectFiles([network, autoencoder, wide], null);
    expect(strange.error).toMatchObject({ code: 'CHECKPOINT_INVALID' });
    expect(strange.error?.message).toMatch(/text encoder belongs to another model/);
    const none = await inspectFiles([fileOf('page.pt', Buffer.from('<!doctype html><p>sign in</p>'))], null);
    expect(none.files[0]?.error?.message).toMatch(/web page/);
  });

  it('are not converted where there is no room, with figures, and nothing is written', async () => {
    const store = new MemoryStore();
    const order = importPackage(asStore(store), [network, autoencoder, text], 'balanced', {
      freeBytes: 5e6,
      onProgress() {},
    });
    await expect(order).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED', message: /0\.03 GB.*0\.01 GB|0\.0\d GB/ });
    expect([store.files.size, store.record]).toEqual([0, null]);
  });
});

describe('an import', () => {
  it('makes a package that loads, goes on where it was stopped, and makes the same one', async () => {
    const files = [network, autoencoder, text];
    const whole = new MemoryStore();
    await importPackage(asStore(whole), files, 'balanced', { freeBytes: ENOUGH, onProgress() {} });
    expect(whole.sealed).toBe(true);
    const { manifest } = await loadPackage({ read: async (name) => whole.files.get(name)! });

    // The package itself, brought back as files.
    const exported = [...whole.files].map(([name, bytes]) => fileOf(name, Buffer.from(bytes)));
    expect(await inspectFiles(exported, null)).toMatchObject({ packed: { name: 'net' }, error: null });
    const back = new MemoryStore();
    await importPackage(asStore(back), exported, 'exact', { freeBytes: ENOUGH, onProgress() {} });
    expect(contents(back)).toEqual(contents(whole));
    const [first0, ...others] = exported;
    expect((await inspectFiles(others, null)).error?.message).toContain(first0!.name);
    const spoilt = exported.map((file) => (file === first0 ? fileOf(file.name, Buffer.alloc(file.size)) : file));
    const refused = importPackage(asStore(new MemoryStore()), spoilt, 'exact', { freeBytes: ENOUGH, onProgress() {} });
    await expect(refused).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
    expect(Object.keys(manifest.parts)).toHaveLength(5);
    expect(manifest).toMatchObject({
      name: 'net',
      prediction: 'velocity',
      config: { contextLength: 77, contextDim: 32 },
    });

    const stopped = new MemoryStore();
    const stop = new AbortController();
    const first = importPackage(asStore(stopped), files, 'balanced', {
      freeBytes: ENOUGH,
      signal: stop.signal,
      onProgress: () => {
        if (stopped.record!.finished.length === 2) stop.abort();
      },
    });
    await expect(first).rejects.toMatchObject({ code: 'CANCELLED' });
    const done = stopped.record!.finished.map(({ name }) => name);
    expect(done).toHaveLength(2);
    const before = new Map(stopped.files);
    stopped.files.clear();
    await importPackage(asStore(stopped), files, 'balanced', { freeBytes: ENOUGH, onProgress() {} });
    for (const name of done) {
      expect(stopped.files.has(name)).toBe(false);
      stopped.files.set(name, before.get(name)!);
    }
    expect(contents(stopped)).toEqual(contents(whole));
  });

  it('makes the files that `npm run pack` makes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pack-'));
    try {
      const put = async (file: File) => {
        writeFileSync(join(folder, file.name), Buffer.from(await file.arrayBuffer()));
        return join(folder, file.name);
      };
      const [checkpoint, vae, tower] = [await put(network), await put(autoencoder), await put(text)];
      const out = join(folder, 'out');
      await pack({ checkpoint, vae, text: tower, config: 'auto', precision: 'compact', out });
      const store = new MemoryStore();
      await importPackage(asStore(store), [network, autoencoder, text], 'compact', {
        freeBytes: ENOUGH,
        onProgress() {},
      });
      const graphsAndWeights = (lines: readonly string[]) => lines.filter((line) => !line.startsWith('manifest.json'));
      const packed = new MemoryStore();
      for (const name of readdirSync(out)) packed.files.set(name, readFileSync(join(out, name)));
      expect(graphsAndWeights(contents(packed))).toEqual(graphsAndWeights(contents(store)));
      expect(packed.files.size).toBeGreaterThan(10);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
