/** Which encoder a job gets, the same again when it goes on, and segments through it into the journal. */

import { EnhancerError } from '../errors.ts';
import { onBlack } from '../media/active-area.ts';
import { type CodecFamily, chooseEncoder, type EncoderChoice } from '../media/encoder-choice.ts';
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
  if (await isSupported(choice.config)) return choice;
  const refusals: Refusal[] = [];
  const other = await chosenEncoder(plan, { ...settings, codec: choice.family }, refusals);
  if (other?.family === choice.family) return other;
  throw new EnhancerError(
    'NO_ENCODER',
    `This browser no longer encodes ${choice.codecString}, which this job began with.`,
    'Save what is finished, and start the rest anew; or go on in the browser that it was begun in.',
  );
}

const FAMILIES: readonly CodecFamily[] = ['h264', 'hevc', 'av1', 'vp9'];

/**
 * What to encode with where `failed` doesn't work after all: the browser's own software in the same codec, and, as long as nothing is written
 * (a file has one codec), another codec.
 * @param fresh whether nothing is written. @returns null when there is no other.
 */
export async function otherEncoder(
  failed: EncoderChoice,
  plan: JobPlan,
  settings: Settings,
  fresh: boolean,
): Promise<EncoderChoice | null> {
  const config = { ...failed.config, hardwareAcceleration: 'prefer-software' as const };
  if (failed.config.hardwareAcceleration !== 'prefer-software' && (await isSupported(config))) {
    return { ...failed, config };
  }
  if (!fresh) return null;
  for (const codec of FAMILIES.slice(FAMILIES.indexOf(failed.family) + 1)) {
    const other = await chosenEncoder(plan, { ...settings, codec }, []);
    if (other?.family === codec) return other;
  }
  return null;
}

async function isSupported(config: VideoEncoderConfig): Promise<boolean> {
  const { supported } = await VideoEncoder.isConfigSupported(config).catch(() => ({ supported: false }));
  return supported === true;
}
