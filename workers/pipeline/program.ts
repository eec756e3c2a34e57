/** From a model's manifest to how it is sampled: its prediction, where its plans start, a solver's program. */

import { SCALE_CONDITION } from '../condition/hint.ts';
import { type Prediction, residualPrediction, velocityPrediction } from '../denoise/prediction.ts';
import { createProgram, type SolverProgram } from '../denoise/solvers.ts';
import type { Manifest } from '../models/manifest.ts';
import { modelInfo } from '../models/package.ts';
import type { ModelInfo } from '../plan/job-plan.ts';
import { solverSteps } from '../plan/recipe.ts';
import type { Settings } from '../plan/settings.ts';

/** @throws RangeError for a residual model without its spreads, which no package is written without. */
export function predictionOf(manifest: Manifest): Prediction {
  if (manifest.prediction === 'velocity') return velocityPrediction();
  const { latentVariance, residualSpreadScales, residualSpread, insertedSpread } = manifest.config;
  if (!latentVariance || !residualSpreadScales || !residualSpread || !insertedSpread) {
    throw new RangeError('a residual model carries its spreads');
  }
  return residualPrediction({ latentVariance, residualSpreadScales, residualSpread, insertedSpread });
}

export function solverProgram(settings: Settings, manifest: Manifest): SolverProgram {
  const { startTimestep } = predictionOf(manifest);
  const { solver, stepPlan } = settings;
  const steps = solverSteps(solver, settings.steps, startTimestep, stepPlan);
  return createProgram({ solver, steps, mode: stepPlan === 'fast' ? 'fast' : 'normal', startTimestep });
}

/** What the network is told of the scale: the nano model 8·scale (docs/nano-model.md), the reference's 8 as released or its factor. */
export function fedScale({ scale, scaleCondition }: Settings, manifest: Manifest): number {
  if (manifest.prediction === 'residual') return SCALE_CONDITION * scale;
  return scaleCondition === 'factor' ? Math.trunc(scale) : SCALE_CONDITION;
}

const KNOWN = new WeakMap<Manifest, ModelInfo>();

/** What `plan/` is told of a package: worked out once a manifest, since it builds the graphs to count their memory. */
export function plannedModel(manifest: Manifest): ModelInfo {
  const known = KNOWN.get(manifest);
  if (known) return known;
  const info = { ...modelInfo(manifest), startTimestep: predictionOf(manifest).startTimestep };
  KNOWN.set(manifest, info);
  return info;
}
