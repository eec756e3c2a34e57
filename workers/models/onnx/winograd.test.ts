import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, expect, it } from 'vitest';
import { parseConfig } from '../config.ts';
import { specialised } from '../specialise.ts';
import { dimension } from './dimension.ts';
import { GraphBuilder } from './graph.ts';
import { convolution } from './layers.ts';
import { modelFile } from './model-file.ts';

beforeAll(() => {
  ort.env.wasm.numThreads = 1;
});

it.each([
  ['whole tiles', 8, 12, 5, 5],
  ['a row and three columns over', 9, 7, 5, 3],
  ['less than a tile', 1, 2, 3, 6],
])('is the convolution: %s', async (_, height, width, inputs, outputs) => {
  const dims = [2, inputs, height, width];
  const x = new ort.Tensor('float32', noise(2 * inputs * height * width, 1), dims);
  const weights = { 'layer.weight': noise(outputs * inputs * 9, 2), 'layer.bias': noise(outputs, 3) };
  const [plain, fast] = await Promise.all([false, true].map((winograd) => layer(winograd, weights, inputs, outputs)));
  const expected = (await plain!.run({ x })).y!;
  const made = (await fast!.run({ x })).y!;
  expect(made.dims).toEqual([2, outputs, height, width]);
  expect(apart(made, expected)).toBeLessThan(5e-5);
});

it('nano built with it predicts what nano as packed does, within the provider’s tolerance', async () => {
  const folder = new URL('../../../public/models/nano/', import.meta.url);
  const file = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
  const manifest = JSON.parse(new TextDecoder().decode(file('manifest.json')));
  const config = parseConfig(manifest.config);
  const [frames, height, width] = [3, 6, 10];
  const tensor = (seed: number, ...dims: number[]) =>
    new ort.Tensor(
      'float32',
      noise(
        dims.reduce((total, size) => total * size, 1),
        seed,
      ),
      dims,
    );
  const latents = [frames, config.latentChannels, height, width] as const;
  const shared = { sample: tensor(1, ...latents), timestep_features: tensor(3, 1, config.dim) };
  const conditions = {
    ...shared,
    hint: tensor(2, ...latents),
    key_frames: new ort.Tensor('float32', Float32Array.of(1, 0, 1), [frames]),
    hint_timestep_features: tensor(4, 1, config.dim),
    scale_features: tensor(5, 1, config.dim),
  };
  const predicted = async (winograd: boolean) => {
    const open = (part: 'controlnet' | 'unet') => {
      const packed = file(`${part}.onnx`);
      const graph = winograd ? specialised(config, part, packed, { winograd }).graph : packed;
      const data = file(`${part}-0.bin`);
      return ort.InferenceSession.create(graph, { externalData: [{ path: `${part}-0.bin`, data }] });
    };
    const residuals = await (await open('controlnet')).run(conditions);
    return (await (await open('unet')).run({ ...shared, ...residuals })).velocity!;
  };
  const error = apart(await predicted(true), await predicted(false));
  if (process.env.MEASURE) console.log('largest difference, of the rms:', error);
  expect(error).toBeLessThan(2e-4);
});

function layer(winograd: boolean, weights: Readonly<Record<string, Float32Array>>, inputs: number, outputs: number) {
  const g = new GraphBuilder('layer', () => 'float32');
  const x = g.input('x', [dimension('F'), dimension(inputs), dimension('h'), dimension('w')]);
  g.output('y', convolution({ g, prefix: '', winograd }, 'layer', x, outputs, { kernel: 3 }));
  const places = Object.entries(weights).map(([name, { byteLength: bytes }]) => {
    return [name, { location: name, offset: 0, bytes }] as const;
  });
  const externalData = Object.entries(weights).map(([path, { buffer }]) => ({ path, data: new Uint8Array(buffer) }));
  return ort.InferenceSession.create(modelFile(g.finish(), new Map(places)), { externalData });
}

/** Largest difference, of the second's root mean square. */
function apart(a: ort.Tensor, b: ort.Tensor): number {
  const [made, expected] = [a.data as Float32Array, b.data as Float32Array];
  const rms = Math.sqrt(expected.reduce((sum, value) => sum + value * value, 0) / expected.length);
  return made.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i]!)), 0) / rms;
}

function noise(length: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
