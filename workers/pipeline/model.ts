/**
 * A model package with its sessions: frames to latents and back, a prompt to its context, one evaluation of ControlNet and UNet.
 *
 * Costs: a part's bytes while its session is made, then weights as the provider holds them. Residuals pass from the
 * ControlNet to the UNet on the device, unless there is no room for both; only samples, hints and outputs cross to the CPU.
 */

import { samplePosterior } from '../condition/posterior.ts';
import type { Manifest, PartName } from '../models/manifest.ts';
import { type PackageSource, readManifest } from '../models/package.ts';
import { chunksFor } from '../models/venhancer/chunks.ts';
import { levelSizes } from '../models/venhancer/network.ts';
import { unetSections } from '../models/venhancer/sections.ts';
import type { JobPlan, ModelInfo, Provider } from '../plan/job-plan.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Feed } from '../runtime/session.ts';
import type { Tensor } from '../tensor.ts';
import { plannedModel } from './program.ts';
import { type Build, FOR_THE_PROCESSOR, lacking, Residents } from './residents.ts';

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
  #longestWindow = 1;

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
      if (manifest.config.contextDim === 0) await residents.session(part, smallBuild(manifest, part, runtime.provider));
    }
    return new Model(manifest, residents);
  }

  /** Which parts may be in memory together, and for windows of how many frames the networks are to be built; a plan says. */
  keep({ residency = 'all', windows }: Pick<JobPlan, 'residency' | 'windows'>): void {
    this.#residents.residency = residency;
    this.#longestWindow = windows.reduce((most, { startFrame, endFrame }) => Math.max(most, endFrame - startFrame), 1);
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

  /**
   * Raw latents [F, Z, h, w] to frames [F, 3, H, W]; `source` [F, 3, H, W] where the package leans on it, and with it `conditioning` [1, 2]
   * (`decoderConditioning`), which a decoder without a learned part has no use for.
   */
  async decode(latents: Tensor, source: Tensor | null, conditioning: Tensor | null = null): Promise<Tensor> {
    const decoder = await this.#residents.session('vae-decoder');
    const conditioned = conditioning && decoder.inputNames.includes('conditioning');
    const { frames } = await decoder.run({
      latents,
      ...(source ? { source } : {}),
      ...(conditioned ? { conditioning } : {}),
    });
    return frames!;
  }

  /** A prompt's tokens [77] to its context [77, 1024]. The text encoder is freed again. */
  encodeText(tokens: Tensor): Promise<Tensor> {
    return this.#residents.once('text-encoder', async (session) => (await session.run({ tokens })).context!);
  }

  /** The UNet's output [F, Z, h, w] under the ControlNet's residuals; of a model without text. */
  async evaluate(inputs: NetworkInputs, between: () => Promise<void> = nothing): Promise<Tensor> {
    return (await this.evaluateEach(inputs, [null], between))[0]!;
  }

  /**
   * The same once for every context [77, 1024].
   * @param between awaited before every part's run but the first: what it throws ends the evaluation.
   */
  async evaluateEach(
    inputs: NetworkInputs,
    contexts: readonly (Tensor | null)[],
    between: () => Promise<void> = nothing,
  ): Promise<Tensor[]> {
    const shared = { sample: inputs.sample, timestep_features: inputs.timestepFeatures };
    const conditions = {
      ...shared,
      hint: inputs.hint,
      key_frames: inputs.keyFrames,
      hint_timestep_features: inputs.hintTimestepFeatures,
      scale_features: inputs.scaleFeatures,
    };
    const build = this.#buildFor(inputs.sample.dims);
    if (build && this.#residents.residency === 'parts') {
      return this.#evaluateApart(conditions, shared, contexts, build, between);
    }
    const outputs: Tensor[] = [];
    for (const [index, context] of contexts.entries()) {
      if (index > 0) await between();
      const text: Record<string, Feed> = context ? { context } : {};
      const controlnet = await this.#residents.session('controlnet', build);
      const residuals = await controlnet.runResident({ ...conditions, ...text });
      try {
        await between();
        const unet = await this.#residents.session('unet', build);
        const { velocity } = await unet.run({ ...shared, ...text, ...residuals });
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

  /** The ControlNet, then the UNet section by section, one of them in memory at a time; what passes between them waits on the CPU. */
  async #evaluateApart(
    conditions: Readonly<Record<string, Feed>>,
    shared: Readonly<Record<string, Feed>>,
    contexts: readonly (Tensor | null)[],
    build: Build,
    between: () => Promise<void>,
  ): Promise<Tensor[]> {
    const given = contexts.map((context): Record<string, Feed> => ({ ...shared, ...(context ? { context } : {}) }));
    const controlnet = await this.#residents.session('controlnet', build);
    for (const [index, feeds] of given.entries()) {
      if (index > 0) await between();
      Object.assign(feeds, await controlnet.run({ ...conditions, ...feeds }));
    }
    for (const section of unetSections(this.manifest.config)) {
      const unet = await this.#residents.session('unet', { ...build, section });
      for (const feeds of given) {
        await between();
        Object.assign(feeds, await unet.run(feeds));
      }
    }
    return given.map(({ velocity }) => velocity as Tensor);
  }

  /** A small model runs at any shape, on a GPU as it was packed. */
  #buildFor([frames = 1, , height = 1, width = 1]: readonly number[]): Build | null {
    const { config } = this.manifest;
    if (config.contextDim === 0) return smallBuild(this.manifest, 'unet', this.#residents.provider);
    const longest = Math.max(frames, this.#longestWindow);
    const { F: _frames, ...dimensions } = levelSizes(config, longest, height, width);
    return { chunks: chunksFor(config, longest, height, width), dimensions };
  }
}

async function nothing(): Promise<void> {}

function smallBuild({ parts }: Manifest, part: PartName, provider: Provider): Build | null {
  const network = part === 'controlnet' || part === 'unet';
  return network && provider === 'wasm' && parts[part] ? FOR_THE_PROCESSOR : null;
}
