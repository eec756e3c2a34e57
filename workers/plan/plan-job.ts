/**
 * From a clip, settings, a device and a model to a job plan: what will be done, what it will cost, what is refused and why. Pure; a
 * few milliseconds for the longest clips, up to seconds for a size that a large model has not been asked about before; a refused plan is still a plan, with what could be worked out.
 */

import type { Area } from '../media/borders.ts';
import type { ClipInfo } from '../media/clip-info.ts';
import { activePart } from './borders.ts';
import {
  DEFAULT_STAGE_RATES,
  defaultHeapBudgetBytes,
  defaultMemoryBudgetBytes,
  heapBytes,
  type MeasuredSpeed,
  type StageRates,
  secondsByStage,
  statesBytes,
  storageBytes,
  tileBytes,
} from './cost.ts';
import { fittedLayout } from './fitted-layout.ts';
import { groupBytes, MOST_GROUP_BYTES, planGroups } from './groups.ts';
import type { DeviceInfo, JobPlan, ModelInfo, Notice, Refusal, Shot, Tile, Window } from './job-plan.ts';
import { MOST_WORK } from './layout.ts';
import { outputFrameCount, outputFrameRate, outputFrameTime, outputSide, sourceFrames } from './output.ts';
import { checkSettings, evaluationCount, solverSteps } from './recipe.ts';
import type { Settings } from './settings.ts';
import { layTiles, validSide } from './tiles.ts';
import { planWindows } from './windows.ts';

export interface PlanOptions {
  /** Device memory that the job may use; null or absent: chosen from the device. */
  readonly memoryBudgetBytes?: number | null;
  readonly heapBudgetBytes?: number;
  /** Free space for the output; null or absent: not checked. */
  readonly storageQuotaBytes?: number | null;
  /** Cuts, in output frames: they cover the output in order; absent: one shot. */
  readonly shots?: readonly Shot[];
  /** The picture between black borders, null for none; absent: what is known of the clip. */
  readonly activeArea?: Area | null;
  /** Evaluations and start that a model's strength map asks for in place of the settings' and the model's. */
  readonly steps?: number;
  readonly startTimestep?: number;
  readonly stageRates?: StageRates;
  /** Of this device and model; null or absent: not measured. */
  readonly measured?: MeasuredSpeed | null;
}

/** No browser's encoder takes a longer side. */
export const MAX_OUTPUT_SIDE = 16384;
/** The reference's (SPEC §2.2). */
const DEFAULT_START_TIMESTEP = 899;

export function planJob(
  clip: ClipInfo,
  settings: Settings,
  device: DeviceInfo,
  given: ModelInfo,
  options: PlanOptions = {},
): JobPlan {
  const model = onDevice(given, device);
  const refusals: Refusal[] = checkSettings(settings);
  if (refusals.length > 0) return refusedPlan(refusals);
  const { frameRateFactor } = settings;
  const { sourceStart, sourceEnd } = sourceFrames(clip, settings.range);
  if (sourceEnd === sourceStart) {
    refusals.push({
      code: 'NO_FRAMES',
      message: settings.range === null ? 'The clip has no frames.' : 'The chosen part of the clip has no frames.',
      hint: settings.range === null ? 'Choose another clip.' : 'Choose a longer part.',
    });
    return refusedPlan(refusals);
  }

  const activeArea = options.activeArea === undefined ? (clip.activeArea ?? null) : options.activeArea;
  const active = activeArea && activePart(clip, activeArea, settings.scale);
  const { width: sourceWidth, height: sourceHeight } = activeArea ?? clip;
  const width = outputSide(sourceWidth, settings.scale);
  const height = outputSide(sourceHeight, settings.scale);
  const latentWidth = validSide(width / model.latentFactor, model.latentWidthRule);
  const latentHeight = validSide(height / model.latentFactor, model.latentHeightRule);
  const frameCount = outputFrameCount(sourceEnd - sourceStart, frameRateFactor);
  const span = { sourceStart, sourceEnd, frameRateFactor };
  const first = outputFrameTime(clip, span, 0);
  const last = outputFrameTime(clip, span, frameCount - 1);
  const shots = options.shots ?? [{ startFrame: 0, endFrame: frameCount }];
  const { solver, steps, stepPlan } = settings;
  const start = options.startTimestep ?? model.startTimestep ?? DEFAULT_START_TIMESTEP;
  const evaluations = evaluationCount(solver, solverSteps(solver, options.steps ?? steps, start, stepPlan), start);

  const load = {
    latentPixels: latentWidth * latentHeight,
    latentChannels: model.latentChannels,
    paddedPixels: latentWidth * latentHeight * model.latentFactor ** 2,
    outputPixels: width * height,
    sourcePixels: sourceWidth * sourceHeight,
    frameCount,
    frameRateFactor,
    evaluations,
    usesSaved: settings.solver !== 'ddim',
    noisyHints: settings.strength > 0,
    deflickered: settings.deflicker === 'on',
  };
  const budget = options.memoryBudgetBytes ?? defaultMemoryBudgetBytes(device);
  const heapBudget = options.heapBudgetBytes ?? defaultHeapBudgetBytes(device);
  const layout =
    Math.max(width, height) > MAX_OUTPUT_SIDE
      ? 'too-large'
      : fittedLayout(
          { shots, factor: frameRateFactor, latentWidth, latentHeight },
          model,
          device,
          budget,
          (longest, stride, tilePixels) =>
            heapBytes({ ...load, longestWindow: longest, stride, tilePixels }) <= heapBudget,
        );
  if (layout === 'too-large' || layout === 'too-much-heap') refusals.push(sizeRefusal(width, height, layout));

  const windows: Window[] = typeof layout === 'string' ? [] : planWindows(shots, frameRateFactor, layout.shape);
  const tiles: Tile[] = typeof layout === 'string' ? [] : layTiles(latentWidth, latentHeight, layout.grid);
  const tileSize = typeof layout === 'string' ? { tileWidth: latentWidth, tileHeight: latentHeight } : layout.grid;
  const longest = typeof layout === 'string' ? 1 : layout.longest;
  const stride = typeof layout === 'string' ? 1 : layout.stride;

  let windowedFrames = 0;
  for (const window of windows) windowedFrames += window.endFrame - window.startFrame;
  const tilePixels = tileSize.tileWidth * tileSize.tileHeight;
  const guided = model.prompted && settings.guidance !== 1;
  const stages = secondsByStage(
    {
      ...load,
      evaluatedLatents: windowedFrames * tiles.length * tilePixels,
      attendedLatents: windowedFrames * tiles.length * tilePixels * tilePixels,
      passes: evaluations * (guided ? 2 : 1),
      sourceFrames: sourceEnd - sourceStart,
    },
    model,
    device,
    options.stageRates ?? DEFAULT_STAGE_RATES,
    options.measured,
  );
  const packets = storageBytes(width * height, frameCount, settings.quality, clip.bytes);
  const states = statesBytes({ ...load, longestWindow: longest, stride, tilePixels });
  const quota = options.storageQuotaBytes ?? Number.POSITIVE_INFINITY;
  const output = {
    width: outputSide(clip.width, settings.scale),
    height: outputSide(clip.height, settings.scale),
    frameRate: outputFrameRate(clip.frameRate, frameRateFactor),
    frameCount,
    durationUs: last.timestampUs + last.durationUs - first.timestampUs,
  };
  const outputPixels = output.width * output.height;
  const groups = planGroups(windows, frameCount, {
    pixels: outputPixels,
    frameRate: output.frameRate.numerator / output.frameRate.denominator,
    bytes: Math.min(MOST_GROUP_BYTES, Math.max(0, quota - packets) / 2),
  });
  const bytes = {
    device: Math.ceil(typeof layout === 'string' ? tileBytes(model, tileSize, longest) : layout.bytes),
    heap: heapBytes({ ...load, longestWindow: longest, stride, tilePixels }),
    storage: packets + groupBytes(groups, outputPixels) + states,
  };
  const said = notices(clip, settings, device, model, evaluations, activeArea);
  if (typeof layout !== 'string' && !model.residentWeightBytes && layout.work > MOST_WORK) {
    said.push({
      code: 'WORK_REPEATED',
      message: `Memory forces small parts that overlap: ${layout.work.toFixed(1)} times the work of one that holds it all. Fewer steps or a smaller scale need less.`,
    });
  }
  if (bytes.storage > quota && packets <= quota) {
    said.push({
      code: 'STATES_NOT_KEPT',
      message:
        'There is little disk space: finished windows are kept, but after an interruption more has to be done again.',
    });
  }
  if (packets > quota) {
    refusals.push({
      code: 'QUOTA_EXCEEDED',
      message: `The result may need ${megabytes(Math.ceil, packets)} of storage, and ${megabytes(Math.floor, quota)} are free.`,
      hint: 'Free some disk space, or choose a smaller scale, a shorter part or a smaller file.',
    });
  }
  return {
    output,
    ...(active ? { active } : {}),
    sourceStart,
    sourceEnd,
    frameRateFactor,
    paddedWidth: latentWidth * model.latentFactor,
    paddedHeight: latentHeight * model.latentFactor,
    latentWidth,
    latentHeight,
    shots,
    windows,
    groups,
    tiles,
    evaluations,
    ...(typeof layout === 'string' || layout.residency === null ? {} : { residency: layout.residency }),
    ...(typeof layout === 'string' || !layout.autoencoder ? {} : { autoencoder: layout.autoencoder }),
    bytes,
    seconds: stages.decode + stages.condition + stages.denoise + stages.reconstruct + stages.encode,
    secondsByStage: stages,
    ...(options.measured ? { measured: true } : {}),
    notices: said,
    refusals,
  };
}

function sizeRefusal(width: number, height: number, why: 'too-large' | 'too-much-heap'): Refusal {
  if (why === 'too-large') {
    return {
      code: 'SIZE_TOO_LARGE',
      message: `${width}×${height} does not fit into the memory that the job may use.`,
      hint: 'Choose a smaller scale, or allow more memory.',
    };
  }
  return {
    code: 'MEMORY_BUDGET',
    message: `At ${width}×${height} the frames in flight do not fit into the page's memory.`,
    hint: 'Choose a smaller scale or fewer steps.',
  };
}

function notices(
  clip: ClipInfo,
  settings: Settings,
  device: DeviceInfo,
  model: ModelInfo,
  evaluations: number,
  activeArea: Area | null,
): Notice[] {
  const found: Notice[] = [];
  if (device.fallbackReason !== null) {
    found.push({ code: 'FALLBACK', message: `Running on the processor: ${device.fallbackReason}` });
  } else if (device.isFallbackAdapter) {
    found.push({ code: 'SOFTWARE_GPU', message: 'The browser emulates the GPU in software; this will be slow.' });
  }
  found.push(...(clip.notices ?? []));
  if (activeArea) {
    found.push({
      code: 'BORDERS_LEFT_OUT',
      message: `The clip has black borders: ${activeArea.width}×${activeArea.height} of its ${clip.width}×${clip.height} are enhanced, and the borders are put back around them.`,
    });
  }
  if (clip.variableFrameRate) {
    found.push({
      code: 'VARIABLE_FRAME_RATE',
      message: 'The frame rate varies: frames keep their own times, and inserted ones divide the time between evenly.',
    });
  }
  const dropped = clip.audioTracks.filter(({ copyable }) => !copyable);
  if (dropped.length > 0) {
    const names = [...new Set(dropped.map(({ codec }) => SOUND_NAMES[codec] ?? codec))].join(', ');
    const silent = dropped.length === clip.audioTracks.length;
    found.push({
      code: 'AUDIO_DROPPED',
      message: silent
        ? `The sound is ${names}, which can’t be copied into an MP4 here: the result will be silent.`
        : `Sound in ${names} can’t be copied into an MP4 here and is left out; the other tracks stay.`,
    });
  }
  if (clip.audioTracks.some(({ codec, copyable }) => copyable && codec.startsWith('pcm-'))) {
    found.push({
      code: 'AUDIO_PCM',
      message: 'The sound is uncompressed and stays so; some players can’t play that in an MP4, browsers among them.',
    });
  }
  const uncommon = clip.audioTracks.filter(({ codec, copyable }) => copyable && UNCOMMON_SOUND.has(codec));
  if (uncommon.length > 0) {
    const names = [...new Set(uncommon.map(({ codec }) => SOUND_NAMES[codec] ?? codec))].join(', ');
    found.push({
      code: 'AUDIO_UNCOMMON',
      message: `The sound is ${names} and stays so; some players can’t play that in an MP4, most browsers among them.`,
    });
  }
  if (evaluations < settings.steps) {
    found.push({
      code: 'STEPS_ADJUSTED',
      message: `${evaluations} steps instead of ${settings.steps}: as many as this solver can use.`,
    });
  }
  if (!model.prompted && (settings.prompt !== '' || settings.guidance !== 1)) {
    found.push({ code: 'PROMPT_IGNORED', message: 'This model takes no text: prompt and guidance have no effect.' });
  }
  if (settings.frameRateFactor > 1 && clip.frameCount === 1) {
    found.push({
      code: 'SINGLE_FRAME',
      message: 'The clip is a single frame: it is enlarged, and no frames are added.',
    });
  }
  return found;
}

/** Copied, and silent in most browsers. */
const UNCOMMON_SOUND: ReadonlySet<string> = new Set(['ac3', 'alac', 'amr', 'dts', 'eac3', 'vorbis']);

/** As people know them, by the names in files. */
const SOUND_NAMES: { readonly [codec: string]: string } = {
  ac3: 'AC-3',
  alac: 'Apple Lossless',
  amr: 'AMR',
  dts: 'DTS',
  eac3: 'E-AC-3',
  ulaw: 'µ-law',
  alaw: 'A-law',
  ima4: 'IMA ADPCM',
  raw: '8-bit PCM',
  samr: 'AMR',
  sawb: 'AMR',
  vorbis: 'Vorbis',
  'pcm-u8': '8-bit PCM',
};

function refusedPlan(refusals: readonly Refusal[]): JobPlan {
  return {
    output: { width: 0, height: 0, frameRate: { numerator: 0, denominator: 1 }, frameCount: 0, durationUs: 0 },
    sourceStart: 0,
    sourceEnd: 0,
    frameRateFactor: 1,
    paddedWidth: 0,
    paddedHeight: 0,
    latentWidth: 0,
    latentHeight: 0,
    shots: [],
    windows: [],
    tiles: [],
    evaluations: 0,
    bytes: { device: 0, heap: 0, storage: 0 },
    seconds: 0,
    secondsByStage: { decode: 0, condition: 0, denoise: 0, reconstruct: 0, encode: 0 },
    notices: [],
    refusals,
  };
}

/** Rounded to the side that misleads nobody. */
function megabytes(rounded: (value: number) => number, bytes: number): string {
  return `${rounded(bytes / 1e6)} MB`;
}

function onDevice(model: ModelInfo, { provider }: DeviceInfo): ModelInfo {
  const samples = model.processorActivationSamples;
  return provider === 'wasm' && samples ? { ...model, tileActivationSamples: samples } : model;
}
