/**
 * x0 of a window at one evaluation: the networks run tile by tile, their outputs blended over the tiles' ramps.
 *
 * Frames that repeat another (they share its hint) are left out of the runs and get its x0. Outputs are blended rather than x0: x0 is affine in the output with coefficients that do not depend on the tile, and
 * the ramps sum to one, so the result is the same. Costs a frames-by-latents array a call, and what a tile takes three times.
 */

import { keyFrameMask } from '../condition/hint.ts';
import { sinusoid } from '../condition/sinusoid.ts';
import { accumulateTile, extractTile } from '../denoise/blend.ts';
import { guide } from '../denoise/guidance.ts';
import type { FrameHint, Prediction, WindowPrediction } from '../denoise/prediction.ts';
import type { Evaluation } from '../denoise/solvers.ts';
import type { JobPlan, Window } from '../plan/job-plan.ts';
import { type Tensor, tensor } from '../tensor.ts';
import type { Conditioner } from './conditioner.ts';
import type { Model } from './model.ts';
import { predictionOf } from './program.ts';
import type { TextConditions } from './text-conditions.ts';

/** What a window's evaluations need. */
export interface WindowCondition {
  readonly prediction: WindowPrediction;
  /** What it was made of, a window's frame each. */
  readonly hints: readonly FrameHint[];
  /** The window's frames that the network sees: those that repeat none before them. */
  readonly distinct: readonly number[];
  /** For each of the window's frames, which of those it shows. */
  readonly shown: readonly number[];
  /** [F] of the distinct frames: 1 on key frames. */
  readonly keyFrames: Tensor;
}

/** What every window of a job is told. */
export interface JobConditions {
  /** The job's spatial factor, and what the network is told of it. */
  readonly scale: number;
  readonly fedScale: number;
  /** Null for a model without text. */
  readonly text: TextConditions | null;
}

export class Denoiser {
  readonly #plan: JobPlan;
  readonly #model: Model;
  readonly #conditioner: Conditioner;
  readonly #prediction: Prediction;
  readonly #conditions: JobConditions;
  readonly #between: () => Promise<void>;
  readonly #onTile: () => void;

  /**
   * @param between awaited before every tile and between its networks: lets a pause, a cancel and messages through.
   * @param onTile called after every tile.
   */
  constructor(
    plan: JobPlan,
    model: Model,
    conditioner: Conditioner,
    conditions: JobConditions,
    between: () => Promise<void>,
    onTile: () => void,
  ) {
    this.#plan = plan;
    this.#model = model;
    this.#conditioner = conditioner;
    this.#prediction = predictionOf(model.manifest);
    this.#conditions = conditions;
    this.#between = between;
    this.#onTile = onTile;
  }

  async open(window: Window): Promise<WindowCondition> {
    const { startFrame, endFrame } = window;
    const frames: FrameHint[] = [];
    for (let frame = startFrame; frame < endFrame; frame += 1) {
      await this.#between();
      frames.push(await this.#conditioner.hint(frame));
    }
    const prediction = this.#prepared(frames);
    const distinct = frames.flatMap((hint, f) => (frames.indexOf(hint) === f ? [f] : []));
    const shown = frames.map((hint) => distinct.indexOf(frames.indexOf(hint)));
    const mask = keyFrameMask(startFrame, endFrame, this.#plan.frameRateFactor);
    const keyFrames = tensor(
      [distinct.length],
      Float32Array.from(distinct, (f) => mask[f]!),
    );
    return { prediction, hints: frames, distinct, shown, keyFrames };
  }

  #prepared(frames: readonly FrameHint[]): WindowPrediction {
    return this.#prediction.prepare({
      frames,
      hintLevel: this.#conditioner.hintLevel,
      scale: this.#conditions.scale,
      channels: this.#model.info.latentChannels,
    });
  }

  /** x0 [Z, h, w] of each of the window's frames, from their states; repeats share an array. */
  async predictX0(
    condition: WindowCondition,
    states: readonly Float32Array[],
    evaluation: Evaluation,
  ): Promise<Float32Array[]> {
    const { prediction, distinct, shown } = condition;
    const frames = distinct.map((f) => states[f]!);
    const { latentWidth: width, latentHeight: height, tiles } = this.#plan;
    const channels = this.#model.info.latentChannels;
    const { text } = this.#conditions;
    const contexts = text ? [text.positive, ...(text.negative ? [text.negative] : [])] : [null];
    const features = this.#features(evaluation);
    const evaluated = async (dims: readonly number[], sample: Float32Array, hint: Float32Array) => {
      const inputs = {
        sample: tensor(dims, sample),
        hint: tensor(dims, hint),
        keyFrames: condition.keyFrames,
        ...features,
      };
      const between = this.#between;
      const made = text
        ? await this.#model.evaluateEach(inputs, contexts, between)
        : [await this.#model.evaluate(inputs, between)];
      this.#onTile();
      return made.map(({ data }) => data);
    };
    let blended: Float32Array[][];
    if (tiles.length === 1) {
      // The whole plane: nothing to cut out, nothing to blend.
      await this.#between();
      const size = channels * width * height;
      const part = (values: Float32Array, f: number) => values.subarray(f * size, (f + 1) * size);
      const sample = new Float32Array(frames.length * size);
      const hint = new Float32Array(frames.length * size);
      for (let f = 0; f < frames.length; f += 1) {
        prediction.networkInput(distinct[f]!, frames[f]!, evaluation, part(sample, f));
        prediction.hintInput(distinct[f]!, part(hint, f));
      }
      const made = await evaluated([frames.length, channels, height, width], sample, hint);
      blended = made.map((data) => frames.map((_, f) => part(data, f)));
    } else {
      blended = contexts.map(() => frames.map((x) => new Float32Array(x.length)));
      for (const tile of tiles) {
        await this.#between();
        const { latentWidth, latentHeight } = tile;
        const size = channels * latentWidth * latentHeight;
        const sample = new Float32Array(frames.length * size);
        const hint = new Float32Array(frames.length * size);
        const cut = (values: Float32Array, planes: number) => {
          const part = new Float32Array(planes * latentWidth * latentHeight);
          extractTile(values, planes, width, height, tile, part);
          return part;
        };
        for (let f = 0; f < frames.length; f += 1) {
          // Of the tile alone, made anew each time: kept, those of all frames would be most of a job's memory.
          const ofTile = this.#prepared([cutHint(condition.hints[distinct[f]!]!, channels, cut)]);
          const part = (values: Float32Array) => values.subarray(f * size, (f + 1) * size);
          ofTile.networkInput(0, cut(frames[f]!, channels), evaluation, part(sample));
          ofTile.hintInput(0, part(hint));
        }
        const made = await evaluated([frames.length, channels, latentHeight, latentWidth], sample, hint);
        for (const [which, data] of made.entries()) {
          for (let f = 0; f < frames.length; f += 1) {
            accumulateTile(blended[which]![f]!, channels, width, height, tile, data, f * size);
          }
        }
      }
    }
    const [outputs, negative] = blended as [Float32Array[], Float32Array[]?];
    if (text && negative) guide(outputs, negative, text.guidance);
    frames.forEach((x, frame) => {
      prediction.toX0(distinct[frame]!, x, outputs[frame]!, evaluation, outputs[frame]!);
    });
    return shown.map((at) => outputs[at]!);
  }

  #features(evaluation: Evaluation) {
    const { dim } = this.#model.manifest.config;
    const features = (value: number) => tensor([1, dim], sinusoid(value, dim));
    return {
      timestepFeatures: features(evaluation.timestep),
      hintTimestepFeatures: features(this.#conditioner.hintTimestep),
      scaleFeatures: features(this.#conditions.fedScale),
    };
  }
}

/** What is known of a frame, of a part of its plane. */
function cutHint(
  { hint, latents, mismatch, fraction }: FrameHint,
  channels: number,
  cut: (values: Float32Array, planes: number) => Float32Array,
): FrameHint {
  const ofLatents = latents && cut(latents, channels);
  const same = hint === latents;
  return {
    latents: ofLatents,
    hint: same ? ofLatents : hint && cut(hint, channels),
    mismatch: mismatch && cut(mismatch, 1),
    fraction,
  };
}
