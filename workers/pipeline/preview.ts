/**
 * A moment's crop at several settings, within seconds: a short run of frames around it, a tile's worth of the picture's centre,
 * through the same code as a job, with the job's own seed.
 *
 * What differs from the finished job is what the networks see around the crop: norms and attention take in less.
 */

import { EnhancerError } from '../errors.ts';
import { activeClip } from '../media/active-area.ts';
import { glimpseBorders } from '../media/analyse-clip.ts';
import type { Clip } from '../media/clip.ts';
import type { DecodedFrame } from '../media/decode.ts';
import { crop } from '../media/rgba.ts';
import type { DeviceInfo } from '../plan/job-plan.ts';
import { outputSide } from '../plan/output.ts';
import { planJob } from '../plan/plan-job.ts';
import type { Settings } from '../plan/settings.ts';
import type { Picture } from '../protocol.ts';
import { JobRun } from './job.ts';
import type { Model } from './model.ts';
import type { PauseGate } from './pause-gate.ts';
import { shrunk } from './picture.ts';
import { solverProgram } from './program.ts';
import type { TextConditioner } from './text-conditions.ts';

export interface PreviewContext {
  readonly model: Model;
  readonly texts: TextConditioner;
  readonly device: DeviceInfo;
  readonly gate: PauseGate;
  readonly signal: AbortSignal;
}

/** Side of the crop in the output, at most. */
const CROP_PIXELS = 256;
/** Source frames on either side of the moment. */
const NEIGHBOURS = 1;

/** @throws EnhancerError the plan's refusal, `CANCELLED`, or what a job would throw. */
export async function previewPictures(
  whole: Clip,
  timestampUs: number,
  settings: readonly Settings[],
  context: PreviewContext,
): Promise<{ source: Picture; pictures: Picture[] }> {
  const activeArea = await glimpseBorders(whole);
  const clip = activeArea ? activeClip(whole, activeArea) : whole;
  const times = clip.info.timestampsUs;
  const after = times.findIndex((time) => time > timestampUs);
  const moment = Math.max(0, (after < 0 ? times.length : after) - 1);
  const first = Math.max(0, moment - NEIGHBOURS);
  const end = Math.min(times.length, moment + NEIGHBOURS + 1);
  const scale = Math.max(...settings.map((each) => each.scale));
  const region = centred(clip, scale);

  const frames: DecodedFrame[] = [];
  for await (const frame of clip.frames({ startFrame: first, endFrame: end, signal: context.signal })) {
    frames.push({
      ...frame,
      ...crop(frame, region.x, region.y, region.width, region.height),
      index: frame.index - first,
    });
  }
  const part = excerpt(clip, frames, first, end, region);
  const pictures: Picture[] = [];
  for (const each of settings) pictures.push(await enhanced(part, moment - first, { ...each, range: null }, context));
  return { source: shrunk(frames[moment - first]!, Number.POSITIVE_INFINITY), pictures };
}

interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function centred(clip: Clip, scale: number): Region {
  const side = Math.max(8, Math.round(CROP_PIXELS / scale));
  const width = Math.min(clip.info.width, side);
  const height = Math.min(clip.info.height, side);
  return {
    x: Math.floor((clip.info.width - width) / 2),
    y: Math.floor((clip.info.height - height) / 2),
    width,
    height,
  };
}

/** The cropped frames as a clip of their own. */
function excerpt(clip: Clip, frames: readonly DecodedFrame[], first: number, end: number, region: Region): Clip {
  const { info } = clip;
  return {
    info: {
      ...info,
      width: region.width,
      height: region.height,
      frameCount: frames.length,
      timestampsUs: info.timestampsUs.slice(first, end),
      audioTracks: [],
    },
    audioTracks: [],
    async *frames({ startFrame, endFrame }) {
      yield* frames.slice(startFrame, endFrame);
    },
    keyFrames: [],
    close() {},
  };
}

async function enhanced(clip: Clip, moment: number, settings: Settings, context: PreviewContext): Promise<Picture> {
  const plan = planJob(clip.info, settings, context.device, context.model.info);
  const refusal = plan.refusals[0];
  if (refusal) throw new EnhancerError(refusal.code, refusal.message, refusal.hint);
  const width = outputSide(clip.info.width, settings.scale);
  const height = outputSide(clip.info.height, settings.scale);
  let kept: Picture | null = null;
  let frame = 0;
  const run = new JobRun({
    clip,
    plan,
    settings,
    program: solverProgram(settings, context.model.manifest),
    model: context.model,
    text: await context.texts.conditions(settings, context.model),
    openSegment: () => ({
      async write(rgba) {
        if (frame === moment * settings.frameRateFactor) kept = { width, height, rgba };
        frame += 1;
      },
      async finish() {},
      close() {},
    }),
    gate: context.gate,
    signal: context.signal,
    gpuLedgerBytes: () => 0,
    onProgress() {},
    onFrame() {},
  });
  await run.run();
  if (!kept) throw new RangeError('the previewed frame did not come out');
  return kept;
}
