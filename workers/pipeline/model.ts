/**
 * A model package in memory with its sessions: frames to latents and back, and one evaluation of ControlNet and UNet.
 *
 * Costs: the package's bytes twice while sessions are made, then weights as the provider holds them. Residuals pass from the
 * ControlNet to the UNet on the device; only samples, hints and outputs cross to the CPU.
 */

import { EnhancerError } from '../errors.ts';
import type { Manifest, PartName } from '../models/manifest.ts';
import { type LoadedPackage, loadPackage, type PackageSource } from '../models/package.ts';
import type { ModelInfo } from '../plan/job-plan.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { ModelSession } from '../runtime/session.ts';
import type { Tensor } from '../tensor.ts';
import { plannedModel } from './program.ts';

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

export class Model {
  readonly manifest: Manifest;
  readonly info: ModelInfo;
  readonly #encoder: ModelSession;
  readonly #decoder: ModelSession;
  readonly #controlnet: ModelSession;
  readonly #unet: ModelSession;

  private constructor(
    manifest: Manifest,
    encoder: ModelSession,
    decoder: ModelSession,
    controlnet: ModelSession,
    unet: ModelSession,
  ) {
    this.manifest = manifest;
    this.info = plannedModel(manifest);
    this.#encoder = encoder;
    this.#decoder = decoder;
    this.#controlnet = controlnet;
    this.#unet = unet;
  }

  /** @throws EnhancerError `MODEL_MISSING`, `MODEL_CORRUPT`, or what the runtime throws for want of memory. */
  static async load(runtime: Runtime, source: PackageSource): Promise<Model> {
    const loaded = await loadPackage(source);
    const encoder = await open(runtime, loaded, 'vae-encoder');
    const decoder = await open(runtime, loaded, 'vae-decoder');
    const controlnet = await open(runtime, loaded, 'controlnet', true);
    const unet = await open(runtime, loaded, 'unet');
    return new Model(loaded.manifest, encoder, decoder, controlnet, unet);
  }

  /** Frames [F, 3, H, W] in −1…1 to raw latents [F, Z, h, w]: the posterior's mean where the package has one. */
  async encode(frames: Tensor): Promise<Tensor> {
    const outputs = await this.#encoder.run({ frames });
    return (outputs.latents ?? outputs.mean)!;
  }

  /** Raw latents [F, Z, h, w] to frames [F, 3, H, W]; `source` [F, 3, H, W] where the package leans on it. */
  async decode(latents: Tensor, source: Tensor): Promise<Tensor> {
    const { frames } = await this.#decoder.run({ latents, source });
    return frames!;
  }

  /** The UNet's output [F, Z, h, w] under the ControlNet's residuals. */
  async evaluate(inputs: NetworkInputs): Promise<Tensor> {
    const shared = { sample: inputs.sample, timestep_features: inputs.timestepFeatures };
    const residuals = await this.#controlnet.runResident({
      ...shared,
      hint: inputs.hint,
      key_frames: inputs.keyFrames,
      hint_timestep_features: inputs.hintTimestepFeatures,
      scale_features: inputs.scaleFeatures,
    });
    try {
      const { velocity } = await this.#unet.run({ ...shared, ...residuals });
      return velocity!;
    } finally {
      for (const residual of Object.values(residuals)) residual.free();
    }
  }

  async release(): Promise<void> {
    for (const session of [this.#encoder, this.#decoder, this.#controlnet, this.#unet]) await session.release();
  }
}

async function open(
  runtime: Runtime,
  loaded: LoadedPackage,
  name: PartName,
  residentOutputs = false,
): Promise<ModelSession> {
  const part = loaded.parts[name];
  if (!part) {
    throw new EnhancerError(
      'MODEL_MISSING',
      `The model ${loaded.manifest.name} has no ${name}.`,
      'Install the model again with all of its parts.',
    );
  }
  return runtime.createSession(part, { residentOutputs });
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
