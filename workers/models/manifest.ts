/** The model package's contract: `manifest.json` and the network config (DESIGN "Model package"). */

import type { ResidualSpreads } from '../denoise/prediction.ts';
import type { RefinementConfig } from './autoencoder/refinement.ts';

/** UNet and ControlNet share one config (SPEC §1.1). Key names are those of config files. */
export interface NetworkConfig {
  readonly family: 'venhancer';
  readonly latentChannels: number;
  readonly dim: number;
  readonly multipliers: readonly number[];
  /** Encoder ResBlocks per level; the decoder has one more. */
  readonly blocks: number;
  readonly headDim: number;
  readonly firstTemporalHeads: number;
  readonly attentionLevels: readonly number[];
  /** 0: a model without text, whose spatial transformers have no cross-attention. */
  readonly contextDim: number;
  readonly contextLength: number;
  readonly groups: number;
  readonly padding: 'reference' | 'plain';
}

/** diffusers' KL autoencoders, with their keys (SPEC §3). */
export interface KlAutoencoderConfig {
  readonly family: 'kl';
  /** `temporal`: Stable Video Diffusion's, which mixes frames; `spatial`: Stable Diffusion's, frame by frame. */
  readonly decoder: 'temporal' | 'spatial';
  readonly latentChannels: number;
  /** Per level, finest first; each level but the last halves the plane. */
  readonly channels: readonly number[];
  /** Encoder residual blocks per level; the decoder has one more. */
  readonly blocks: number;
  readonly groups: number;
  /** `legacy`: files from before diffusers 0.18 call the attention's linears query, key, value, proj_attn. */
  readonly attentionKeys: 'current' | 'legacy';
}

export type AutoencoderConfig = { readonly family: 'none' } | KlAutoencoderConfig | BlockTransformConfig;

/** docs/nano-model.md: DCT of luma, half-size DCT of chroma; `source` leaned on. */
export interface BlockTransformConfig {
  readonly family: 'block-transform';
  readonly factor: number;
  /** The decoder's learned part. */
  readonly refinement?: RefinementConfig;
}

/** OpenCLIP's text tower (SPEC §3 "Text"). */
export interface TextConfig {
  readonly family: 'openclip';
  readonly vocabulary: number;
  readonly contextLength: number;
  readonly width: number;
  readonly heads: number;
  readonly mlpWidth: number;
  /** Residual blocks that run: one fewer than the checkpoint has. */
  readonly layers: number;
}

/** A config file: the network, and what else a package needs to know of its model. */
export interface ModelConfig extends NetworkConfig, Partial<ResidualSpreads> {
  readonly autoencoder?: AutoencoderConfig;
  readonly text?: TextConfig;
  readonly prediction?: 'velocity' | 'residual';
  readonly latentShift?: number | readonly number[];
  readonly latentScale?: number | readonly number[];
}

export type PartName = 'vae-encoder' | 'vae-decoder' | 'controlnet' | 'unet' | 'text-encoder';
export type Precision = 'exact' | 'balanced' | 'compact';

export interface FileRecord {
  readonly name: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface PartRecord {
  readonly graph: FileRecord;
  /** External data shards, at most 512 MB each. */
  readonly data: readonly FileRecord[];
  readonly precision: string;
  readonly parameters: number;
  /** 2·MAC of one evaluation per latent pixel and frame, attention's quadratic part aside. */
  readonly flopsPerLatentPixel: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export interface Manifest {
  readonly formatVersion: 1;
  readonly name: string;
  readonly family: 'venhancer';
  readonly config: ModelConfig;
  readonly parts: { readonly [name in PartName]?: PartRecord };
  readonly requires: {
    readonly features: readonly string[];
    readonly limits: { readonly [limit: string]: number };
  };
  /** Noise schedule: SPEC §2.1. */
  readonly schedule: 'cosine-logsnr-shifted';
  readonly prediction: 'velocity' | 'residual';
  readonly latentFactor: number;
  readonly latentShift: readonly number[];
  readonly latentScale: readonly number[];
  /** Maps strength to where sampling starts and in how many evaluations; identity when absent. */
  readonly strengthMap?: readonly {
    readonly strength: number;
    readonly startTimestep: number;
    readonly steps: number;
  }[];
  readonly licence: string;
  readonly provenance: string;
}
