/** A job as the page has it done, through the engine, for the clock: look-through, journal, kept pictures and muxing included. */

import { openClip } from '../../workers/media/clip.ts';
import { Engine } from '../../workers/pipeline/engine.ts';
import { Model } from '../../workers/pipeline/model.ts';
import type { JobPlan, Provider } from '../../workers/plan/job-plan.ts';
import type { Settings } from '../../workers/plan/settings.ts';
import { ModelMeter } from './model-meter.ts';
import { beginTimeline, type TimelineSpan } from './timeline.ts';

/** Enough for the model to be loaded and run once. */
const WARMING_US = 60_000;

export interface WholeJob {
  readonly file: File;
  readonly provider: Provider;
  readonly settings: Settings;
  readonly modelsUrl: string;
  /** Whether to note what it asks for and when. */
  readonly timeline: boolean;
}

export async function wholeJob({ file, provider, settings, modelsUrl, timeline }: WholeJob) {
  let plan: JobPlan | null = null;
  let plannedMs = 0;
  let meter: ModelMeter | null = null;
  const engine = await Engine.open({ provider, memoryBudgetBytes: null, modelsUrl }, (event) => {
    if (event.kind === 'progress' && event.progress.stage === 'mux') meter?.passed('mux');
    if (event.kind !== 'planned') return;
    plan = event.plan;
    plannedMs = performance.now();
    meter?.passed('planned');
  });
  await engine.probe(file);
  const { startUs, endUs } = await span(file);
  const first = { startUs, endUs: Math.min(endUs, startUs + WARMING_US) };
  await engine.enhance('warming', file, { ...settings, frameRateFactor: 1, steps: 1, range: first }, false);
  meter = new ModelMeter();
  watch(meter);
  const spans: readonly TimelineSpan[] = timeline ? beginTimeline() : [];
  const startMs = performance.now();
  meter.passed('start');
  const { report } = await engine.enhance('timed', file, settings, false);
  meter.passed('end');
  const seconds = (performance.now() - startMs) / 1000;
  if (!plan) throw new Error('no plan');
  return {
    plan: plan as JobPlan,
    seconds,
    secondsByStage: { look: (plannedMs - startMs) / 1000, ...report.secondsByStage },
    peakGpuLedgerBytes: report.peakGpuLedgerBytes,
    timeline: spans,
    convolutionGigaflopsPerSecond: engine.device.gigaflopsPerSecond,
    ...meter.read(),
  };
}

async function span(file: File) {
  const clip = await openClip(file);
  const [startUs = 0] = clip.info.timestampsUs;
  clip.close();
  return { startUs, endUs: startUs + clip.info.durationUs };
}

/** All models from here on. */
function watch(meter: ModelMeter): void {
  const { encode, decode, evaluate } = Model.prototype;
  Model.prototype.encode = function (...given) {
    return meter.timed('encode', () => encode.apply(this, given));
  };
  Model.prototype.decode = function (...given) {
    return meter.timed('decode', () => decode.apply(this, given));
  };
  Model.prototype.evaluate = function (inputs) {
    return meter.evaluation(this, inputs, () => evaluate.call(this, inputs));
  };
}
