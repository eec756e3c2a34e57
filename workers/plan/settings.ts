/** A recipe: plain, serialisable, the whole of what a person chose. */

import type { OutputCodec, Quality } from '../media/output-format.ts';

export type { OutputCodec, Quality } from '../media/output-format.ts';

export type SolverName = 'ddim' | 'dpmpp-2m-sde' | 'heun';
export type ColourFix = 'off' | 'wavelet';

export interface Settings {
  /** Package name: `nano`, or an imported package's. */
  readonly model: string;
  /** Spatial factor, 1–8, any real value. */
  readonly scale: number;
  /** Whole number 1–8: each source interval is divided by it. */
  readonly frameRateFactor: number;
  /** 0–1: noise_aug = round(300·strength) (SPEC §2.4). */
  readonly strength: number;
  /** Model evaluations per frame. */
  readonly steps: number;
  readonly solver: SolverName;
  /** Classifier-free guidance; 1 for models without text. */
  readonly guidance: number;
  readonly prompt: string;
  readonly negativePrompt: string;
  /** Unsigned 32-bit. */
  readonly seed: number;
  readonly colourFix: ColourFix;
  /** Part of the source, in microseconds from its first frame; null for the whole clip. */
  readonly range: { readonly startUs: number; readonly endUs: number } | null;
  readonly codec: OutputCodec;
  readonly quality: Quality;
}

export const DEFAULT_SETTINGS: Settings = {
  model: 'nano',
  scale: 2,
  frameRateFactor: 1,
  // What docs/nano.md recommends: nano's best fidelity, at the least cost.
  strength: 0,
  steps: 1,
  solver: 'ddim',
  guidance: 1,
  prompt: '',
  negativePrompt: '',
  seed: 666,
  colourFix: 'wavelet',
  range: null,
  codec: 'auto',
  quality: 'high',
};
