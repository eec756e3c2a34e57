/** Presets: names for parts of a recipe, nothing more. One kind says how far to go, the other how carefully. */

import type { Settings } from '../../workers/plan/settings.ts';

export type FarPreset = 'faithful' | 'balanced' | 'reimagine';
export type CarePreset = 'fast' | 'fine';

/** What the strength ladder shows, and where the presets stand on it. */
export const LADDER_STRENGTHS = [0, 0.3, 0.6, 1] as const;

const FAR: Readonly<Record<FarPreset, Pick<Settings, 'strength'>>> = {
  faithful: { strength: LADDER_STRENGTHS[0] },
  balanced: { strength: LADDER_STRENGTHS[1] },
  reimagine: { strength: LADDER_STRENGTHS[2] },
};

type Care = Readonly<Record<CarePreset, Pick<Settings, 'solver' | 'steps' | 'stepPlan'>>>;

/** A small model that predicts a residual is done after one evaluation, and draws more with four (docs/nano.md). */
const CARE_OF_NANO: Care = {
  fast: { solver: 'ddim', steps: 1, stepPlan: 'normal' },
  fine: { solver: 'ddim', steps: 4, stepPlan: 'normal' },
};
/** The reference's fast and normal modes. */
const CARE: Care = {
  fast: { solver: 'dpmpp-2m-sde', steps: 14, stepPlan: 'fast' },
  fine: { solver: 'dpmpp-2m-sde', steps: 50, stepPlan: 'normal' },
};

export const farPatch = (preset: FarPreset): Partial<Settings> => FAR[preset];
export const carePatch = (model: string, preset: CarePreset): Partial<Settings> => careOf(model)[preset];

/** The preset that the recipe equals; null where it is a person's own. */
export function farPreset({ strength }: Settings): FarPreset | null {
  return (Object.keys(FAR) as FarPreset[]).find((name) => FAR[name].strength === strength) ?? null;
}

export function carePreset({ model, ...settings }: Settings): CarePreset | null {
  const care = careOf(model);
  const same = (name: CarePreset): boolean => {
    const { solver, steps, stepPlan } = care[name];
    return solver === settings.solver && steps === settings.steps && stepPlan === settings.stepPlan;
  };
  return (Object.keys(care) as CarePreset[]).find(same) ?? null;
}

function careOf(model: string): Care {
  return model === 'nano' ? CARE_OF_NANO : CARE;
}
