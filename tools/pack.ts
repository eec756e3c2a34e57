/**
 * Packs a checkpoint into a model package (DESIGN "Model package").
 *
 *   npm run pack -- --checkpoint FILE --config NAME|FILE.json --precision exact|balanced|compact --out DIR
 *                   [--vae FILE] [--text FILE] [--name NAME] [--licence TEXT] [--provenance TEXT]
 *
 * --vae adds an autoencoder (diffusers' AutoencoderKL, temporal or not), --text OpenCLIP's text tower. FILE is a PyTorch checkpoint (.pt, .bin) or safetensors. NAME is a config of workers/models/configs, or `auto`: a network of the official family as its tensors show it, context length 77. Weights are streamed: memory holds one tensor.
 */

import { type FileHandle, mkdir, open, readFile, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { EnhancerError } from '../workers/errors.ts';
import { type ByteSource, type Checkpoint, invalidCheckpoint } from '../workers/models/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../workers/models/checkpoint/open-checkpoint.ts';
import { parseConfig } from '../workers/models/config.ts';
import type { Manifest, ModelConfig, Precision } from '../workers/models/manifest.ts';
import { MANIFEST_NAME, type PackageSink, writePackage } from '../workers/models/package-writer.ts';
import { networkConfigOf } from '../workers/models/venhancer/config-of.ts';

const CONFIGS = fileURLToPath(new URL('../workers/models/configs/', import.meta.url));
const AUTO = 'auto';
const PRECISIONS: readonly Precision[] = ['exact', 'balanced', 'compact'];
const USAGE =
  'Usage: npm run pack -- --checkpoint FILE --config NAME|FILE.json --precision exact|balanced|compact --out DIR [--vae FILE] [--text FILE] [--name NAME]';

class UsageError extends Error {}

export interface PackArguments {
  readonly checkpoint: string;
  /** A name in workers/models/configs, or a path that ends in .json. */
  readonly config: string;
  readonly precision: Precision;
  readonly out: string;
  readonly vae?: string | undefined;
  readonly text?: string | undefined;
  readonly name?: string | undefined;
  readonly licence?: string | undefined;
  readonly provenance?: string | undefined;
}

/** @throws EnhancerError for a config or checkpoint that can't be packed. */
export async function pack(order: PackArguments): Promise<Manifest> {
  const named = order.config === AUTO ? null : await readConfig(order.config);
  const handles: FileHandle[] = [];
  const openFile = async (file: string) => {
    const handle = await opened(file);
    handles.push(handle);
    return openCheckpoint(await fileBytes(handle));
  };
  try {
    const checkpoint = await openFile(order.checkpoint);
    const config = named ?? foundConfig(checkpoint);
    const further = {
      ...(order.vae === undefined ? {} : { autoencoder: await openFile(order.vae) }),
      ...(order.text === undefined ? {} : { text: await openFile(order.text) }),
    };
    await mkdir(order.out, { recursive: true });
    await rm(join(order.out, MANIFEST_NAME), { force: true });
    return await writePackage(
      {
        name: order.name ?? basename(resolve(order.out)),
        config,
        checkpoint,
        ...further,
        precision: order.precision,
        licence: order.licence ?? 'unstated',
        provenance: order.provenance ?? `packed from ${packedFrom(order)}`,
      },
      directorySink(order.out),
    );
  } finally {
    for (const handle of handles) await handle.close();
  }
}

function packedFrom({ checkpoint, vae, text }: PackArguments): string {
  return [checkpoint, vae, text].flatMap((file) => (file === undefined ? [] : [basename(file)])).join(', ');
}

/** By the checkpoint's own keys and shapes. */
function foundConfig(checkpoint: Checkpoint): ModelConfig {
  const found = networkConfigOf(checkpoint);
  if (!found) throw invalidCheckpoint('No config of the family follows from the checkpoint’s tensors.');
  return { ...found, prediction: 'velocity', latentScale: 0.18215 };
}

async function readConfig(nameOrFile: string): Promise<ModelConfig> {
  const file = nameOrFile.endsWith('.json') ? nameOrFile : join(CONFIGS, `${nameOrFile}.json`);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'is no JSON' : 'cannot be read';
    throw new UsageError(`The config ${file} ${reason}.`);
  }
  return parseConfig(value);
}

async function opened(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r');
  } catch (error) {
    throw invalidCheckpoint(`The checkpoint ${file} cannot be opened.`, { cause: error });
  }
}

async function fileBytes(handle: FileHandle): Promise<ByteSource> {
  const { size } = await handle.stat();
  const read = async (start: number, end: number) => {
    const bytes = new Uint8Array(end - start);
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
      if (bytesRead === 0) return bytes.subarray(0, filled);
      filled += bytesRead;
    }
    return bytes;
  };
  return { bytes: size, read };
}

function directorySink(directory: string): PackageSink {
  return {
    async create(name) {
      const handle = await open(join(directory, name), 'w');
      return {
        write: async (bytes) => {
          await handle.writeFile(bytes);
        },
        close: () => handle.close(),
      };
    },
  };
}

function parsed(args: readonly string[]): PackArguments {
  const text = { type: 'string' } as const;
  const options = {
    checkpoint: text,
    config: text,
    precision: text,
    out: text,
    vae: text,
    text,
    name: text,
    licence: text,
    provenance: text,
  };
  let values: { readonly [name in keyof typeof options]?: string | undefined };
  try {
    values = parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const { checkpoint, config, out } = values;
  if (!checkpoint || !config || !out) throw new UsageError('--checkpoint, --config and --out are needed.');
  const precision = PRECISIONS.find((known) => known === (values.precision ?? 'balanced'));
  if (precision === undefined)
    throw new UsageError(`--precision is ${PRECISIONS.join(', ')}; not ${values.precision}.`);
  return { ...values, checkpoint, config, out, precision };
}

async function main(): Promise<void> {
  try {
    const order = parsed(process.argv.slice(2));
    const manifest = await pack(order);
    for (const [part, record] of Object.entries(manifest.parts)) {
      const bytes = [record.graph, ...record.data].reduce((sum, file) => sum + file.bytes, 0);
      console.log(
        `${part}: ${record.parameters} parameters, ${(bytes / 1e6).toFixed(1)} MB, ${record.data.length} shards`,
      );
    }
    console.log(`Packed ${manifest.name} into ${order.out}.`);
  } catch (error) {
    if (error instanceof UsageError) console.error(`${error.message}\n${USAGE}`);
    else if (error instanceof EnhancerError) console.error(`${error.message} ${error.hint}`);
    else console.error(error);
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
