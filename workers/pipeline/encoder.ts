/** Which encoder a job gets, the same again when it goes on, and windows' pictures through it into the journal. */

import { EnhancerError } from '../errors.ts';
import { encodeKept } from '../jobs/encode-kept.ts';
import { onBlack } from '../media/active-area.ts';
import { type CodecFamily, chooseEncoder, type EncoderChoice } from '../media/encoder-choice.ts';
import { GroupEncoder, type TimedPicture } from '../media/group-encoder.ts';
import { rgbaToI420 } from '../media/i420.ts';
import type { JobPlan, Refusal } from '../plan/job-plan.ts';
import type { Settings } from '../plan/settings.ts';
import type { EncodingAhead } from './encoding-ahead.ts';
import type { SegmentWriter } from './job.ts';
import type { JobJournal } from './journal-keeper.ts';

/**
 * Takes the pictures of the next window. They are kept until their group is complete, and encoded meanwhile; a group of one window goes straight
 * through an encoder. Borders that were left out come back here.
 */
export function windowWriter(
  choice: EncoderChoice,
  plan: JobPlan,
  journal: JobJournal,
  signal: AbortSignal,
  ahead: EncodingAhead,
): SegmentWriter {
  const { output, active } = plan;
  const kept = isKept(plan, journal);
  if (!kept) ahead.drop();
  const writer = kept ? keptWindow(choice, plan, journal, signal, ahead) : straightWindow(choice, journal, signal);
  return {
    ...writer,
    write({ rgba, i420 }, timestampUs, durationUs) {
      const { x, y, width, height } = active?.output ?? { x: 0, y: 0, ...output };
      const whole = active ? onBlack({ width, height, rgba }, x, y, output.width, output.height).rgba : rgba;
      const data = i420 ?? rgbaToI420(whole, output.width, output.height).data;
      return writer.write({ data, timestampUs, durationUs });
    },
  };
}

function straightWindow(choice: EncoderChoice, journal: JobJournal, signal: AbortSignal) {
  const encoder = new GroupEncoder(choice, signal);
  return {
    write: (picture: TimedPicture) => encoder.encode(picture),
    finish: async () => journal.append(await encoder.finish()),
    close: () => encoder.close(),
  };
}

function keptWindow(
  choice: EncoderChoice,
  plan: JobPlan,
  journal: JobJournal,
  signal: AbortSignal,
  ahead: EncodingAhead,
) {
  const window = journal.windowKeeper();
  let finished = false;
  ahead.begin(choice, journal.picturesKept);
  return {
    write: async (picture: TimedPicture) => {
      window.add(picture);
      await ahead.add(picture);
    },
    finish: async () => {
      window.finish();
      finished = true;
      await encodeDue(choice, plan, journal, signal, ahead);
    },
    close: () => {
      if (!finished) ahead.drop();
      window.close();
    },
  };
}

/** Encodes the kept pictures if they are a whole group, or takes what was encoded ahead of them. @throws EnhancerError `ENCODE_FAILED`, `QUOTA_EXCEEDED`, `CANCELLED`. */
export async function encodeDue(
  choice: EncoderChoice,
  { groups = [] }: JobPlan,
  journal: JobJournal,
  signal: AbortSignal,
  ahead?: EncodingAhead,
): Promise<void> {
  const due = journal.picturesKept > 0 && groups.some(({ endFrame }) => endFrame === journal.framesDone);
  if (!due) return;
  const encoded = (await ahead?.finish(choice, journal.picturesKept)) ?? (await encodeKept(choice, journal, signal));
  await journal.append(encoded);
}

/**
 * Where storage is too full for pictures to wait in: those that do are encoded now, and from here on each window by itself.
 * @returns false where that helps nobody.
 */
export async function givenUpPictures(
  choice: EncoderChoice,
  journal: JobJournal,
  signal: AbortSignal,
): Promise<boolean> {
  if (!journal.keepsPictures) return false;
  try {
    if (journal.picturesKept > 0) await journal.append(await encodeKept(choice, journal, signal));
    journal.keepNoPictures();
    journal.mark({
      notice: 'Storage was nearly full: shorter stretches were encoded at once, which can show as a slight pulse.',
    });
    return true;
  } catch {
    return false;
  }
}

function isKept({ groups = [] }: JobPlan, journal: JobJournal): boolean {
  const group = groups.find(({ endFrame }) => endFrame > journal.framesDone);
  return journal.keepsPictures && group !== undefined && group.windows > 1;
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

/**
 * What an interrupted job goes on with: its own encoder as long as nothing is written, whatever failed then; else the one that its file
 * began with, or another of that codec where the browser has changed.
 * @throws EnhancerError `NO_ENCODER`.
 */
export async function encoderToGoOnWith(journal: JobJournal): Promise<EncoderChoice> {
  const { encoder: own, plan, settings } = journal.job;
  if (journal.packetCount > 0 || journal.encoder === own) return encoderAgain(journal.encoder, plan, settings);
  const encoder = await encoderAgain(own, plan, settings);
  journal.mark({ notice: 'The first encoder was tried again.', encoder });
  return encoder;
}

async function encoderAgain(choice: EncoderChoice, plan: JobPlan, settings: Settings): Promise<EncoderChoice> {
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
