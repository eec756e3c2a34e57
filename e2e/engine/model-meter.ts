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
  /** Between runs of the networks, by what the run before and the one after are (`encode → evaluate`), or by what else was {@link ModelMeter.passed}. */
  readonly gaps: Readonly<Record<string, Gap>>;
}

export interface Gap {
  readonly count: number;
  readonly seconds: number;
}

export class ModelMeter {
  readonly #seconds = { encode: 0, evaluate: 0, decode: 0 };
  readonly #gpu = { dispatches: 0, submits: 0, bytesWritten: 0, bytesRead: 0 };
  #gigaflops = 0;
  #evaluations = 0;
  #bytes = 0;
  readonly #gaps: Record<string, Gap> = {};
  #last: { readonly name: string; readonly ms: number } | null = null;

  /** Something that ends a gap and begins another. */
  passed(name: string): void {
    const ms = performance.now();
    if (this.#last) {
      const between = `${this.#last.name} → ${name}`;
      const { count, seconds } = this.#gaps[between] ?? { count: 0, seconds: 0 };
      this.#gaps[between] = { count: count + 1, seconds: seconds + (ms - this.#last.ms) / 1000 };
    }
    this.#last = { name, ms };
  }

  async timed<T>(part: 'encode' | 'evaluate' | 'decode', run: () => Promise<T>): Promise<T> {
    this.passed(part);
    const began = performance.now();
    const result = await run();
    const ended = performance.now();
    this.#seconds[part] += (ended - began) / 1000;
    this.#last = { name: part, ms: ended };
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
      gaps: this.#gaps,
    };
  }
}
