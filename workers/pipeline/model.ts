/**
 * A model package with its sessions: frames to latents and back, a prompt to its context, one evaluation of ControlNet and UNet.
 *
 * Costs: a part's bytes while its session is made, then weights as the provider holds them. Residuals pass from the
 * ControlNet to the UNet on the device, unless there is no room for both; only samples, hints and outputs cross to the CPU.
 */

import { samplePosterior } from '../condition/posterior.ts';
import type { Manifest } from '../models/manifest.ts';
import { type PackageSource, readManifest } from '../models/package.ts';
import type { ModelInfo, Residency } from '../plan/job-plan.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Feed } from '../runtime/session.ts';
import type { Tensor } from '../tensor.ts';
import { plannedModel } from './program.ts';
import { lacking, Residents } from './residents.ts';

/** One evaluation's inputs (DESIGN "Graph interface"). */
export interface NetworkInputs {
  /** [F, Z, h, w]. */
  readonly sample: Tensor;
  /** [F, Z, h, w], zeros on other than key frames. */
  readonly hint: Tensor;
  /** [F]. */
  readonly keyFrames: Tensor;
  /** [1, dim]. */
  readonly timestepFeatures: Tensor;
  readonly hintTimestepFeatures: Tensor;
  readonly scaleFeatures: Tensor;
}

export interface ModelOptions {
  /** Compare files with the manifest's hashes as they are read; true when absent. */
  readonly verify?: boolean;
}

export class Model {
  readonly manifest: Manifest;
  readonly info: ModelInfo;
  readonly #residents: Residents;

  private constructor(manifest: Manifest, residents: Residents) {
    this.manifest = manifest;
    this.info = plannedModel(manifest);
    this.#residents = residents;
  }

  /**
   * Loads every part at once where the model is small, else each when it is first needed.
   * @throws EnhancerError `MODEL_MISSING`, `MODEL_CORRUPT`, or what the runtime throws for want of memory.
   */
  static async load(runtime: Runtime, source: PackageSource, { verify = true }: ModelOptions = {}): Promise<Model> {
    const manifest = await readManifest(source);
    const residents = new Residents(runtime, source, manifest, verify);
    for (const part of ['vae-encoder', 'vae-decoder', 'controlnet', 'unet'] as const) {
      if (!manifest.parts[part]) throw lacking(manifest.name, part);
      if (manifest.config.contextDim === 0) await residents.session(part);
    }
    return new Model(manifest, residents);
  }

  /** Which parts may be in memory together; a plan says. */
  keep(residency: Residency): void {
    this.#residents.residency = residency;
  }

  /**
   * Frames [F, 3, H, W] in −1…1 to raw latents [F, Z, h, w].
   * @param noise unit Gaussian of the latents' size: draws from the posterior, where the model has one, as the reference does. Without, its mean.
   */
  async encode(frames: Tensor, noise: Float32Array | null = null): Promise<Tensor> {
    const { latents, mean, logvar } = await (await this.#residents.session('vae-encoder')).run({ frames });
    if (latents) return latents;
    if (noise && logvar) samplePosterior(mean!.data, logvar.data, noise);
    return mean!;
  }

  /** Raw latents [F, Z, h, w] to frames [F, 3, H, W]; `source` [F, 3, H, W] where the package leans on it. */
  async decode(latents: Tensor, source: Tensor | null): Promise<Tensor> {
    const decoder = await this.#residents.session('vae-decoder');
    const { frames } = await decoder.run({ latents, ...(source ? { source } : {}) });
    return frames!;
  }

  /** A prompt's tokens [77] to its context [77, 1024]. The text encoder is freed again. */
  encodeText(tokens: Tensor): Promise<Tensor> {
    return this.#residents.once('text-encoder', async (session) => (await session.run({ tokens })).context!);
  }

  /** The UNet's output [F, Z, h, w] under the ControlNet's residuals; of a model without text. */
  async evaluate(inputs: NetworkInputs): Promise<Tensor> {
    return (await this.evaluateEach(inputs, [null]))[0]!;
  }

  /** The same once for every context [77, 1024]. */
  async evaluateEach(inputs: NetworkInputs, contexts: readonly (Tensor | null)[]): Promise<Tensor[]> {
    const shared = { sample: inputs.sample, timestep_features: inputs.timestepFeatures };
    const conditions = {
      ...shared,
      hint: inputs.hint,
      key_frames: inputs.keyFrames,
      hint_timestep_features: inputs.hintTimestepFeatures,
      scale_features: inputs.scaleFeatures,
    };
    if (this.#residents.residency === 'parts') return this.#evaluateApart(conditions, shared, contexts);
    const outputs: Tensor[] = [];
    for (const context of contexts) {
      const text: Record<string, Feed> = context ? { context } : {};
      const residuals = await (await this.#residents.session('controlnet')).runResident({ ...conditions, ...text });
      try {
        const { velocity } = await (await this.#residents.session('unet')).run({ ...shared, ...text, ...residuals });
        outputs.push(velocity!);
      } finally {
        for (const residual of Object.values(residuals)) residual.free();
      }
    }
    return outputs;
  }

  async release(): Promise<void> {
    await this.#residents.release();
  }

  /** One network in memory at a time: residuals wait on the CPU while the UNet takes the ControlNet's place. */
  async #evaluateApart(
    conditions: Readonly<Record<string, Feed>>,
    shared: Readonly<Record<string, Feed>>,
    contexts: readonly (Tensor | null)[],
  ): Promise<Tensor[]> {
    const texts = contexts.map((context): Record<string, Feed> => (context ? { context } : {}));
    const controlnet = await this.#residents.session('controlnet');
    const residuals: Record<string, Tensor>[] = [];
    for (const text of texts) residuals.push(await controlnet.run({ ...conditions, ...text }));
    const unet = await this.#residents.session('unet');
    const outputs: Tensor[] = [];
    for (const [index, text] of texts.entries()) {
      const { velocity } = await unet.run({ ...shared, ...text, ...residuals[index]! });
      outputs.push(velocity!);
    }
    return outputs;
  }
}

/** Reads a package's files from a folder URL of this origin. */
export function urlSource(folder: string): PackageSource {
  return {
    async read(name) {
      const response = await fetch(new URL(name, folder));
      if (!response.ok) throw new Error(`${response.status} for ${name}`);
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}
