/**
 * A loaded model part, and the tensors that pass between parts without leaving the device.
 *
 * One run at a time across all sessions of a runtime: onnxruntime's WebGPU provider is not reentrant, so creation and runs
 * queue behind one another. A run can't be interrupted; cancelling takes effect between runs.
 */

import type * as Ort from 'onnxruntime-web';
import { EnhancerError } from '../errors.ts';
import { elementCount, type Tensor } from '../tensor.ts';
import type { OrtModule } from './ort.ts';

/** An output left where it was computed, to be fed to another session of the same runtime. Freed by its owner. */
export class ResidentTensor {
  readonly dims: readonly number[];
  readonly value: Ort.Tensor;

  constructor(value: Ort.Tensor) {
    this.value = value;
    this.dims = value.dims;
  }

  free(): void {
    this.value.dispose();
  }
}

export type Feed = Tensor | ResidentTensor;

export interface PartSource {
  readonly graph: Uint8Array;
  /** External data by the location name that the graph uses. */
  readonly data: readonly { readonly name: string; readonly bytes: Uint8Array | Blob }[];
}

/** Serialises whatever must not overlap. */
export class Turn {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}

export class ModelSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #ort: OrtModule;
  readonly #session: Ort.InferenceSession;
  readonly #turn: Turn;
  readonly #resident: boolean;
  readonly #memoryRanOut: () => boolean;

  /** @param memoryRanOut whether the device has failed to allocate: results are then not to be believed. */
  constructor(
    ort: OrtModule,
    session: Ort.InferenceSession,
    turn: Turn,
    resident: boolean,
    memoryRanOut: () => boolean = () => false,
  ) {
    this.#memoryRanOut = memoryRanOut;
    this.#ort = ort;
    this.#session = session;
    this.#turn = turn;
    this.#resident = resident;
    this.inputNames = session.inputNames;
    this.outputNames = session.outputNames;
  }

  /**
   * Runs the part and brings every output back to the CPU.
   *
   * @throws EnhancerError `DEVICE_LOST` or `OUT_OF_GPU_MEMORY`, where the provider says so.
   */
  async run(feeds: Readonly<Record<string, Feed>>): Promise<Record<string, Tensor>> {
    const results = await this.#execute(feeds);
    const outputs: Record<string, Tensor> = {};
    try {
      for (const [name, value] of Object.entries(results)) {
        const data = (await value.getData(true)) as Float32Array;
        // A copy: what the WASM provider hands out is a view of its heap's memory or of a pooled buffer.
        outputs[name] = { dims: [...value.dims], data: data.slice() };
        value.dispose();
      }
    } catch (error) {
      throw this.#memoryRanOut() ? outOfMemory(error) : asDeviceError(error);
    }
    // News of a failed allocation comes before what is read back after it.
    if (this.#memoryRanOut()) throw outOfMemory('the device reported a failed allocation');
    return outputs;
  }

  /** Runs the part and leaves its outputs on the device. The caller frees them. */
  async runResident(feeds: Readonly<Record<string, Feed>>): Promise<Record<string, ResidentTensor>> {
    if (!this.#resident) throw new RangeError('this session was not created with resident outputs');
    const results = await this.#execute(feeds);
    return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, new ResidentTensor(value)]));
  }

  async release(): Promise<void> {
    await this.#turn.take(() => this.#session.release());
  }

  async #execute(feeds: Readonly<Record<string, Feed>>): Promise<Record<string, Ort.Tensor>> {
    const inputs: Record<string, Ort.Tensor> = {};
    for (const name of this.inputNames) {
      const feed = feeds[name];
      if (!feed) throw new RangeError(`model input ${name} was not given`);
      inputs[name] = feed instanceof ResidentTensor ? feed.value : this.#upload(name, feed);
    }
    try {
      return await this.#turn.take(() => this.#session.run(inputs));
    } catch (error) {
      throw this.#memoryRanOut() ? outOfMemory(error) : asDeviceError(error);
    }
  }

  #upload(name: string, feed: Tensor): Ort.Tensor {
    if (elementCount(feed.dims) !== feed.data.length) throw new RangeError(`model input ${name} has the wrong length`);
    return new this.#ort.Tensor('float32', feed.data, [...feed.dims]);
  }
}

export function asDeviceError(error: unknown): unknown {
  const text = error instanceof Error ? error.message : String(error);
  if (/device (was |is )?(lost|destroyed)|DeviceLost|GPUDevice.*lost/i.test(text)) {
    return new EnhancerError(
      'DEVICE_LOST',
      'The GPU stopped responding and was reset.',
      'Close other programs that use the GPU, then start again, with a smaller memory budget if it happens again.',
      { cause: error },
    );
  }
  // Where its heap is full, WebAssembly may also trap, by whatever it does with an address that it was not given.
  const trapped = error instanceof WebAssembly.RuntimeError;
  if (
    trapped ||
    /out of memory|OutOfMemory|bad_alloc|failed to allocate|Aborted\(OOM|memory access out of bounds/i.test(text)
  ) {
    return outOfMemory(error);
  }
  return error;
}

export function outOfMemory(cause: unknown): EnhancerError {
  return new EnhancerError(
    'OUT_OF_GPU_MEMORY',
    'The model ran out of memory.',
    'Lower the scale, or set a smaller memory budget under “Advanced” so that smaller tiles are used.',
    { cause },
  );
}
