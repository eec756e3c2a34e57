/** Which encoder a job gets, the same again when it goes on, and segments through it into the journal. */

import { EnhancerError } from '../errors.ts';
import { onBlack } from '../media/active-area.ts';
import { chooseEncoder, type EncoderChoice } from '../media/encoder-choice.ts';
import type { PacketSink } from '../media/packet-sink.ts';
import { WindowEncoder } from '../media/window-encoder.ts';
import type { JobPlan, Refusal } from '../plan/job-plan.ts';
import type { Settings } from '../plan/settings.ts';
import type { SegmentWriter } from './job.ts';

/** Each segment gets an encoder of its own and goes to the sink when it is finished. Borders that were left out come back here. */
export function encodedSegment(
  choice: EncoderChoice,
  { output, active }: JobPlan,
  sink: PacketSink,
  signal: AbortSignal,
): SegmentWriter {
  const encoder = new WindowEncoder(choice, signal);
  return {
    write(rgba, timestampUs, durationUs) {
      const { x, y, width, height } = active?.output ?? { x: 0, y: 0, ...output };
      const whole = active ? onBlack({ width, height, rgba }, x, y, output.width, output.height).rgba : rgba;
      return encoder.encode(whole, timestampUs, durationUs);
    },
    finish: async () => sink.append(await encoder.finish()),
    close: () => encoder.close(),
  };
}

export async function chosenEncoder(
  plan: JobPlan,
  settings: Settings,
  refusals: Refusal[],
): Promise<EncoderChoice | null> {
  const { width, height, frameRate } = plan.output;
  try {
    return await chooseEncoder({
      width,
      height,
      frameRate: frameRate.numerator / frameRate.denominator,
      codec: settings.codec,
      quality: settings.quality,
    });
  } catch (error) {
    if (!(error instanceof EnhancerError)) throw error;
    refusals.push({ code: error.code, message: error.message, hint: error.hint });
    return null;
  }
}

/** The job's own encoder, or another of its codec where the browser has changed. @throws EnhancerError `NO_ENCODER`. */
export async function encoderAgain(choice: EncoderChoice, plan: JobPlan, settings: Settings): Promise<EncoderChoice> {
  const { supported } = await VideoEncoder.isConfigSupported(choice.config).catch(() => ({ supported: false }));
  if (supported === true) return choice;
  const refusals: Refusal[] = [];
  const other = await chosenEncoder(plan, { ...settings, codec: choice.family }, refusals);
  if (other?.family === choice.family) return other;
  throw new EnhancerError(
    'NO_ENCODER',
    `This browser no longer encodes ${choice.codecString}, which this job began with.`,
    'Save what is finished, and start the rest anew; or go on in the browser that it was begun in.',
  );
}
