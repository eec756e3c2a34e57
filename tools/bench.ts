/**
 * The networks of a package by themselves, in Node: on WebAssembly as packed and as the processor gets them, and on the native onnxruntime, beside what a plain
 * matrix product and a convolution reach in the same run. One thread and the processor's own time, so that other work on the machine counts little.
 *
 * `npm run bench`; `--json FILE` also writes the figures, `--model FOLDER` another package than nano, `--size F,h,w` in latents, `--rounds N`. Obtains the
 * native onnxruntime into `.cache/native` at its first run (npm); without it, that row is missing.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseConfig } from '../workers/models/config.ts';
import type { NetworkConfig } from '../workers/models/manifest.ts';
import { totalFlops } from '../workers/models/onnx/cost.ts';
import { type Dimension, dimension } from '../workers/models/onnx/dimension.ts';
import { GraphBuilder } from '../workers/models/onnx/graph.ts';
import { modelFile } from '../workers/models/onnx/model-file.ts';
import * as op from '../workers/models/onnx/operators.ts';
import { specialised } from '../workers/models/specialise.ts';
import { networkGraph } from '../workers/models/venhancer/architecture.ts';
import { levelSizes } from '../workers/models/venhancer/network.ts';
import { loadOrt, type OrtModule } from '../workers/runtime/ort.ts';

type Tensor = InstanceType<OrtModule['Tensor']>;
type Tensors = Record<string, Tensor>;
interface Session {
  run(feeds: Tensors): Promise<Tensors>;
}

interface Subject {
  readonly name: string;
  readonly gigaflops: number;
  run(): Promise<void>;
  seconds: number;
}

const NATIVE = resolve('.cache/native');
const PARTS = ['controlnet', 'unet'] as const;
const SIDE = 1024;

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    model: { type: 'string', default: 'public/models/nano' },
    size: { type: 'string', default: '8,24,40' },
    rounds: { type: 'string', default: '5' },
  },
});
const [frames, height, width] = values.size.split(',').map(Number) as [number, number, number];
const manifest = JSON.parse(readFileSync(join(values.model, 'manifest.json'), 'utf8'));
const config = parseConfig(manifest.config) as NetworkConfig;
const sizes = levelSizes(config, frames, height, width);
const gigaflops = PARTS.reduce((sum, part) => sum + totalFlops(networkGraph(config, part), sizes), 0) / 1e9;

const web = await loadOrt('wasm', 1);
const native = nativeRuntime();
const subjects: Subject[] = [
  await plain('WASM, a matrix product of 1024³', matrixProduct(), [SIDE, SIDE], 2 * SIDE ** 3),
  await plain('WASM, a 3×3 convolution, 80 to 80 channels', ...convolutionOf(80)),
  await networks('WASM, the networks as packed', (part) => onWeb(part, null)),
  await networks('WASM, the networks as the processor gets them', (part) => onWeb(part, { winograd: true })),
  ...(native ? [await networks('native, the networks as packed', (part) => onNative(native, part))] : []),
];
for (let round = 0; round < Number(values.rounds); round += 1) {
  for (const subject of subjects) {
    const start = process.cpuUsage().user;
    await subject.run();
    subject.seconds = Math.min(subject.seconds, (process.cpuUsage().user - start) / 1e6);
  }
}

const best = subjects[0]!.gigaflops / subjects[0]!.seconds;
const nativeSeconds = subjects.find(({ name }) => name.startsWith('native'))?.seconds;
console.log(`${values.model}, ${frames} frames of ${width}×${height} latents, one thread, best of ${values.rounds}`);
console.log('| | GFLOP | seconds | GFLOP/s | of the matrix product’s | of native’s |\n|---|---|---|---|---|---|');
const figures = subjects.map(({ name, gigaflops: work, seconds }) => {
  const speed = work / seconds;
  return { name, gigaflops: work, seconds, gigaflopsPerSecond: speed, ofMatrixProduct: speed / best };
});
for (const each of figures) {
  const ofNative = nativeSeconds && /networks/.test(each.name) ? (nativeSeconds / each.seconds).toFixed(2) : '';
  const numbers = [each.gigaflops.toFixed(2), each.seconds.toFixed(3), each.gigaflopsPerSecond.toFixed(1)];
  console.log(`| ${[each.name, ...numbers, each.ofMatrixProduct.toFixed(2), ofNative].join(' | ')} |`);
}
if (values.json) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
process.exit(0);

async function networks(name: string, open: (part: (typeof PARTS)[number]) => Promise<Session>): Promise<Subject> {
  const [controlnet, unet] = [await open('controlnet'), await open('unet')];
  const latents = [frames, config.latentChannels, height, width];
  const shared = { sample: noise(latents), timestep_features: noise([1, config.dim]) };
  const features = { hint_timestep_features: noise([1, config.dim]), scale_features: noise([1, config.dim]) };
  const conditions = { ...shared, ...features, hint: noise(latents), key_frames: noise([frames]) };
  const run = async () => {
    await unet.run({ ...shared, ...(await controlnet.run(conditions)) });
  };
  await run();
  return { name, gigaflops, run, seconds: Number.POSITIVE_INFINITY };
}

async function plain(name: string, graph: Uint8Array, dims: readonly number[], flops: number): Promise<Subject> {
  const session = await web.InferenceSession.create(graph);
  const x = noise(dims);
  const run = async () => void (await session.run({ x }));
  await run();
  return { name, gigaflops: flops / 1e9, run, seconds: Number.POSITIVE_INFINITY };
}

function matrixProduct(): Uint8Array {
  const g = new GraphBuilder('product', () => 'float32');
  const square: Dimension[] = [dimension(SIDE), dimension(SIDE)];
  const weights = g.floats('weights', [SIDE, SIDE], noise([SIDE, SIDE]).data as Float32Array);
  g.output('y', op.matMul(g, g.input('x', square), weights));
  return modelFile(g.finish(), new Map());
}

function convolutionOf(channels: number): [graph: Uint8Array, dims: readonly number[], flops: number] {
  const g = new GraphBuilder('convolution', () => 'float32');
  const dims = [frames, channels, height, width];
  const x = g.input('x', dims.map(dimension));
  const weights = g.floats(
    'weights',
    [channels, channels, 3, 3],
    noise([channels, channels, 3, 3]).data as Float32Array,
  );
  const bias = g.floats('bias', [channels], noise([channels]).data as Float32Array);
  g.output('y', op.convolution(g, x, weights, bias, { padding: [1, 1] }));
  return [modelFile(g.finish(), new Map()), dims, totalFlops(g.finish(), {})];
}

function onWeb(part: string, variant: { readonly winograd: boolean } | null): Promise<Session> {
  const packed = bytesOf(`${part}.onnx`);
  const graph = variant ? specialised(config, part as 'unet', packed, variant).graph : packed;
  const externalData = dataOf(part).map((path) => ({ path, data: bytesOf(path) }));
  return web.InferenceSession.create(graph, {
    graphOptimizationLevel: 'all',
    externalData,
    ...(variant ? { extra: { session: { disable_quant_qdq: '1' } } } : {}),
  }) as unknown as Promise<Session>;
}

function onNative(runtime: OrtModule, part: string): Promise<Session> {
  const options = { graphOptimizationLevel: 'all', intraOpNumThreads: 1, interOpNumThreads: 1 } as const;
  return runtime.InferenceSession.create(resolve(values.model, `${part}.onnx`), options) as unknown as Promise<Session>;
}

function dataOf(part: string): string[] {
  return manifest.parts[part].data.map(({ name }: { name: string }) => name);
}

function bytesOf(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(values.model, name)));
}

function nativeRuntime(): OrtModule | null {
  const wanted = `onnxruntime-node@${web.env.versions.web ?? web.env.versions.common}`;
  try {
    if (!existsSync(join(NATIVE, 'node_modules/onnxruntime-node'))) {
      execFileSync('npm', ['install', '--prefix', NATIVE, '--ignore-scripts', '--no-audit', '--no-fund', wanted], {
        stdio: 'ignore',
      });
    }
    return createRequire(join(NATIVE, 'package.json'))('onnxruntime-node');
  } catch (error) {
    console.warn(`native onnxruntime could not be had: ${error instanceof Error ? error.message : error}`);
    return null;
  }
}

function noise(dims: readonly number[]): Tensor {
  const data = new Float32Array(dims.reduce((total, size) => total * size, 1));
  let state = 1;
  for (let i = 0; i < data.length; i += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state / 2 ** 31 - 1;
  }
  return new web.Tensor('float32', data, [...dims]);
}
