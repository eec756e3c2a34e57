/** What a job asks of its model: time in its runs, multiplications, bytes, dispatches. */

import type { Model, NetworkInputs } from '../../workers/pipeline/model.ts';
import type { Tensor } from '../../workers/tensor.ts';
import { type GpuCounts, gpuCounts } from './gpu-counts.ts';

const COUNTED = ['dispatches', 'submits', 'bytesWritten', 'bytesRead'] as const;

export interface ModelFigures {
  readonly modelSeconds: number;
  readonly modelSecondsByPart: { readonly encode: number; readonly evaluate: number; readonly decode: number };
  readonly evaluateSeconds: number;
  /** Of all evaluations, ControlNet and UNet, attention's quadratic part aside. */
  readonly evaluateGigaflops: number;
  readonly evaluations: number;
  /** From the CPU to the networks and back, of one evaluation. */
  readonly bytesPerEvaluation: number;
  /** Of one evaluation; all zero on the processor. */
  readonly gpuPerEvaluation: GpuCounts;
}

export class ModelMeter {
  readonly #seconds = { encode: 0, evaluate: 0, decode: 0 };
  readonly #gpu = { dispatches: 0, submits: 0, bytesWritten: 0, bytesRead: 0 };
  #gigaflops = 0;
  #evaluations = 0;
  #bytes = 0;

  async timed<T>(part: 'encode' | 'evaluate' | 'decode', run: () => Promise<T>): Promise<T> {
    const began = performance.now();
    const result = await run();
    this.#seconds[part] += (performance.now() - began) / 1000;
    return result;
  }

  async evaluation(model: Model, inputs: NetworkInputs, run: () => Promise<Tensor>): Promise<Tensor> {
    const [frames = 0, , height = 0, width = 0] = inputs.sample.dims;
    const before = gpuCounts();
    const output = await this.timed('evaluate', run);
    const after = gpuCounts();
    for (const name of COUNTED) this.#gpu[name] += after[name] - before[name];
    this.#evaluations += 1;
    for (const { data } of [output, ...Object.values(inputs)] as readonly Tensor[]) this.#bytes += data.byteLength;
    this.#gigaflops += model.info.gigaflopsPerLatentPixel * frames * height * width;
    return output;
  }

  read(): ModelFigures {
    const { encode, evaluate, decode } = this.#seconds;
    const each = Math.max(1, this.#evaluations);
    return {
      modelSeconds: encode + evaluate + decode,
      modelSecondsByPart: { encode, evaluate, decode },
      evaluateSeconds: evaluate,
      evaluateGigaflops: this.#gigaflops,
      evaluations: this.#evaluations,
      bytesPerEvaluation: this.#bytes / each,
      gpuPerEvaluation: Object.fromEntries(
        COUNTED.map((name) => [name, this.#gpu[name] / each]),
      ) as unknown as GpuCounts,
    };
  }
}
