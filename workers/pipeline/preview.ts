/**
 * A moment's crop as a job with these settings would make it, within seconds: a short run of frames around it, a tile's worth of the
 * plane, through the same code as a job, with the job's own seed, noise and enlarged picture.
 *
 * What differs from the finished job is what the networks see around: norms and attention take in less of the picture and of
 * the time (figures: docs/page.md). Costs a job's run of a few frames and one tile; holds those source frames until another moment.
 */

import { Upsampler } from '../condition/upsample.ts';
import { EnhancerError } from '../errors.ts';
import { activeClip } from '../media/active-area.ts';
import { glimpseBorders } from '../media/analyse-clip.ts';
import { type Clip, openClip } from '../media/clip.ts';
import type { DecodedFrame } from '../media/decode.ts';
import { crop } from '../media/rgba.ts';
import { workedSize } from '../plan/borders.ts';
import { croppedPlan } from '../plan/crop.ts';
import type { DeviceInfo } from '../plan/job-plan.ts';
import { sourceFrames } from '../plan/output.ts';
import { planJob } from '../plan/plan-job.ts';
import type { Settings } from '../plan/settings.ts';
import type { Picture, Preview, PreviewPoint } from '../protocol.ts';
import { toRgba } from '../reconstruct/picture.ts';
import { frameIndexAt } from './glance.ts';
import type { Model } from './model.ts';
import type { PauseGate } from './pause-gate.ts';
import { pictureRun } from './picture-run.ts';
import type { TextConditioner } from './text-conditions.ts';

export interface PreviewContext {
  readonly model: Model;
  readonly device: DeviceInfo;
  readonly texts: TextConditioner;
  readonly memoryBudgetBytes: number | null;
  readonly gate: PauseGate;
  readonly signal: AbortSignal;
}

/** Side of the crop in the output, at most. */
const CROP_PIXELS = 256;
/** Source frames on either side of the moment: fewer where many are put between them. */
const neighboursOf = ({ frameRateFactor }: Settings): number => (frameRateFactor > 2 ? 1 : 2);

/** Makes previews; remembers the last moment's frames, since a ladder asks for the same ones at each rung. */
export class Previewer {
  #held: { readonly key: string; readonly clip: Clip } | null = null;

  /** @throws EnhancerError the plan's refusal, `CANCELLED`, or what a job would throw. */
  async preview(file: File, point: PreviewPoint, settings: Settings, context: PreviewContext): Promise<Preview> {
    const { range } = settings;
    const around = neighboursOf(settings);
    const key = JSON.stringify([file.name, file.size, file.lastModified, point.timestampUs, range, around]);
    if (this.#held?.key !== key) this.#held = { key, clip: await excerpt(file, point.timestampUs, settings, context) };
    return cropPreview(this.#held.clip, point, settings, context);
  }
}

/** The clip with the frames around the moment alone, decoded; without its black borders. */
async function excerpt(file: File, timestampUs: number, settings: Settings, { signal }: PreviewContext): Promise<Clip> {
  const whole = await openClip(file, { signal });
  try {
    const activeArea = await glimpseBorders(whole);
    const clip = { ...(activeArea ? activeClip(whole, activeArea) : whole), audioTracks: [] };
    const { startFrame, endFrame } = framesAround(clip, timestampUs, settings);
    const held: DecodedFrame[] = [];
    for await (const frame of clip.frames({ startFrame, endFrame, signal })) held.push(frame);
    const info = { ...clip.info, activeArea, width: whole.info.width, height: whole.info.height };
    return {
      ...clip,
      info,
      async *frames({ startFrame: from, endFrame: to }) {
        yield* held.filter(({ index }) => index >= from && index < to);
      },
      close() {},
    };
  } finally {
    whole.close();
  }
}

/** As many frames around the moment as a preview takes, of those that the job would take. */
function framesAround(clip: Clip, timestampUs: number, settings: Settings, neighbours = neighboursOf(settings)) {
  const { range } = settings;
  const { sourceStart, sourceEnd } = sourceFrames(clip.info, range);
  const moment = Math.min(sourceEnd - 1, Math.max(sourceStart, frameIndexAt(clip, timestampUs)));
  return {
    moment,
    startFrame: Math.max(sourceStart, moment - neighbours),
    endFrame: Math.min(sourceEnd, moment + neighbours + 1),
  };
}

/**
 * @param clip whose frames around the moment can be had; its `info` is the whole clip's, its frames are of the active area.
 * @param neighbours source frames on either side.
 */
export async function cropPreview(
  clip: Clip,
  point: PreviewPoint,
  settings: Settings,
  context: PreviewContext,
  {
    neighbours = neighboursOf(settings),
    side = CROP_PIXELS,
    margin,
  }: { neighbours?: number; side?: number; margin?: number } = {},
): Promise<Preview> {
  const { model, device, signal } = context;
  const times = clip.info.timestampsUs;
  const { moment, startFrame, endFrame } = framesAround(clip, point.timestampUs, settings, neighbours);
  const range = { startUs: times[startFrame]! - times[0]!, endUs: times[endFrame - 1]! - times[0]! + 1 };
  const { memoryBudgetBytes } = context;
  const whole = planJob(clip.info, { ...settings, range }, device, model.info, { memoryBudgetBytes });
  const refusal = whole.refusals[0];
  if (refusal) throw new EnhancerError(refusal.code, refusal.message, refusal.hint);
  const area = clip.info.activeArea ?? { x: 0, y: 0, width: clip.info.width, height: clip.info.height };
  const centre = {
    x: (point.x * clip.info.width - area.x) / area.width,
    y: (point.y * clip.info.height - area.y) / area.height,
  };
  const { plan, shown, offset } = croppedPlan(whole, model.info, centre, side, margin);
  const frameOfMoment = (moment - startFrame) * settings.frameRateFactor;
  let made: Picture | null = null;
  let frame = 0;
  const run = pictureRun(
    {
      clip: { ...clip, info: { ...clip.info, width: area.width, height: area.height } },
      plan,
      settings: { ...settings, range },
      model,
      text: await context.texts.conditions(settings, model),
      gate: context.gate,
      signal,
    },
    ({ rgba }) => {
      const { width, height } = plan.output;
      if (frame === frameOfMoment)
        made = picture(crop({ width, height, rgba }, offset.x, offset.y, shown.width, shown.height));
      frame += 1;
    },
  );
  await run.run();
  if (!made) throw new RangeError('the previewed frame did not come out');
  const worked = workedSize(whole);
  const across = (x: number) => (area.x + (x * area.width) / worked.width) / clip.info.width;
  const down = (y: number) => (area.y + (y * area.height) / worked.height) / clip.info.height;
  return {
    enhanced: made,
    source: await enlargedSource(clip, moment, area, worked, shown),
    region: {
      x: across(shown.x),
      y: down(shown.y),
      width: across(shown.x + shown.width) - across(shown.x),
      height: down(shown.y + shown.height) - down(shown.y),
    },
  };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The same part of the source, enlarged as the job enlarges it before it draws. */
async function enlargedSource(
  clip: Clip,
  moment: number,
  from: Size,
  to: Size,
  shown: { readonly x: number; readonly y: number } & Size,
): Promise<Picture> {
  for await (const { rgba } of clip.frames({ startFrame: moment, endFrame: moment + 1 })) {
    const planar = new Upsampler(from.width, from.height, to.width, to.height).fromRgba(rgba);
    const enlarged = toRgba(planar, to.width, to.height, to.width, to.height);
    return picture(crop({ ...to, rgba: enlarged }, shown.x, shown.y, shown.width, shown.height));
  }
  throw new RangeError('the moment’s frame is not held');
}

function picture({ width, height, rgba }: Size & { readonly rgba: Uint8ClampedArray | Uint8Array }): Picture {
  return { width, height, rgba: new Uint8ClampedArray(rgba) };
}
