/** A part of a job, as a plan of its own: a few frames of it, and of its plane what lies around a point. Pure. */

import { workedSize } from './borders.ts';
import type { JobPlan, ModelInfo, PlaneCrop, Tile } from './job-plan.ts';
import { validSide } from './tiles.ts';

/** Latents around the shown part that the networks, the autoencoder and the colour fix see besides. */
const MARGIN = 4;

export interface CroppedPlan {
  readonly plan: JobPlan;
  /** The shown part, in pixels of the job's worked picture. */
  readonly shown: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  /** Where it begins in the pictures that this plan makes. */
  readonly offset: { readonly x: number; readonly y: number };
}

/**
 * @param plan of the whole plane; its frames stay.
 * @param centre of the shown part, 0–1 along each side; moved where it would leave the picture.
 * @param side of the shown part, in output pixels, at most.
 */
export function croppedPlan(
  plan: JobPlan,
  model: ModelInfo,
  centre: { readonly x: number; readonly y: number },
  side: number,
  margin = MARGIN,
): CroppedPlan {
  const worked = workedSize(plan);
  const across = axis(worked.width, plan.latentWidth, model.latentWidthRule, centre.x);
  const down = axis(worked.height, plan.latentHeight, model.latentHeightRule, centre.y);
  const { latentFactor: factor } = model;
  const tile: Tile = {
    latentX: 0,
    latentY: 0,
    latentWidth: across.latents,
    latentHeight: down.latents,
    overlapLeft: 0,
    overlapTop: 0,
    overlapRight: 0,
    overlapBottom: 0,
  };
  const crop: PlaneCrop = {
    latentX: across.start,
    latentY: down.start,
    worked: { width: worked.width, height: worked.height },
    paddedWidth: plan.paddedWidth,
    paddedHeight: plan.paddedHeight,
  };
  const { active: _whole, ...rest } = plan;
  return {
    plan: {
      ...rest,
      crop,
      output: {
        ...plan.output,
        width: Math.min(across.latents * factor, worked.width - across.start * factor),
        height: Math.min(down.latents * factor, worked.height - down.start * factor),
      },
      latentWidth: across.latents,
      latentHeight: down.latents,
      paddedWidth: across.latents * factor,
      paddedHeight: down.latents * factor,
      tiles: [tile],
      ...(plan.autoencoder ? { autoencoder: { ...plan.autoencoder, encoderTiles: [tile], decoderTiles: [tile] } } : {}),
    },
    shown: { x: across.shown, y: down.shown, width: across.size, height: down.size },
    offset: { x: across.shown - across.start * factor, y: down.shown - down.start * factor },
  };

  function axis(pixels: number, latents: number, rule: ModelInfo['latentWidthRule'], at: number) {
    const size = Math.min(side, pixels);
    const shown = Math.min(pixels - size, Math.max(0, Math.round(at * pixels - size / 2)));
    const wanted = Math.ceil(size / model.latentFactor) + 1 + 2 * margin;
    const count = Math.min(latents, validSide(wanted, rule));
    const start = Math.min(latents - count, Math.max(0, Math.floor(shown / model.latentFactor) - margin));
    return { size, shown, latents: count, start };
  }
}
