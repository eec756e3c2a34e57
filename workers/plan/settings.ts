/** A recipe: plain, serialisable, the whole of what a person chose. */

import type { OutputCodec, Quality } from '../media/output-format.ts';

export type { OutputCodec, Quality } from '../media/output-format.ts';

export type SolverName = 'ddim' | 'dpmpp-2m-sde' | 'heun';
export type ColourFix = 'off' | 'wavelet';
export type Deflicker = 'on' | 'off';
/** `fast`: the reference's own 14 evaluations, whatever `steps` says (SPEC §2.2). */
export type StepPlan = 'normal' | 'fast';
/** What a model of the reference's kind is told of the scale: 8 as released, or the factor itself as in the paper (SPEC §2.4 item 9). */
export type ScaleCondition = 'released' | 'factor';

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
  readonly stepPlan: StepPlan;
  readonly solver: SolverName;
  /** Classifier-free guidance; 1 for models without text. */
  readonly guidance: number;
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly scaleCondition: ScaleCondition;
  /** Unsigned 32-bit. */
  readonly seed: number;
  readonly colourFix: ColourFix;
  /** Changes of light from frame to frame are taken out of the source first (docs/nano.md). */
  readonly deflicker: Deflicker;
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
  stepPlan: 'normal',
  solver: 'ddim',
  guidance: 1,
  prompt: '',
  negativePrompt: '',
  scaleCondition: 'released',
  seed: 666,
  colourFix: 'wavelet',
  deflicker: 'on',
  range: null,
  codec: 'auto',
  quality: 'high',
};

/** What changes with a model of the reference's kind: its defaults (SPEC §2.2, §2.4), at a strength that README and author advise. */
export const PROMPTED_SETTINGS: Pick<
  Settings,
  'strength' | 'steps' | 'stepPlan' | 'solver' | 'guidance' | 'deflicker'
> = {
  strength: 0.67,
  steps: 14,
  stepPlan: 'fast',
  solver: 'dpmpp-2m-sde',
  guidance: 7.5,
  // As the reference does.
  deflicker: 'off',
};
