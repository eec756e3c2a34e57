/** Runs a clip through the media harness, and says what of the outcome is not as expected. */

import type { Result, ThroughReport } from '../../media/harness.worker.ts';
import type { Run } from '../../media/with-media.ts';
import type { Opens, Wild } from './recipe.ts';

/** Nothing takes longer than this, most of them a tenth of a second, on idle cores. */
const LIMIT_MS = 240_000;
/** Levels of 255, through a lossy codec. */
const PIXEL_TOLERANCE = 4;

/** @param folder of the address that the clip is served from. */
export async function tried(
  media: Run,
  folder: string,
  { name, expect: expected }: Pick<Wild, 'name' | 'expect'>,
): Promise<Result | 'stuck'> {
  const at = typeof expected === 'string' ? undefined : expected.pixel;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stuck = new Promise<'stuck'>((resolve) => {
    timer = setTimeout(() => resolve('stuck'), LIMIT_MS);
  });
  const url = `/${folder}/${encodeURIComponent(name)}`;
  const through = media({ kind: 'through', url, ...(at ? { at: [at[0], at[1]] } : {}) });
  return Promise.race([through, stuck]).finally(() => clearTimeout(timer));
}

/** Empty where all is as it should be. */
export function surprisesOf({ name, expect: expected }: Pick<Wild, 'name' | 'expect'>, result: Result): string[] {
  if (result.kind === 'error') {
    if (expected !== result.code)
      return [`${JSON.stringify(expected)} expected, ${result.code}: ${result.message} (${result.detail})`];
    return result.message.includes('undefined') || result.message === '' || result.hint === ''
      ? [`says ${result.message}`]
      : [];
  }
  if (result.kind !== 'through') return [`answered ${result.kind}`];
  if (typeof expected === 'string')
    return [`${expected} expected, opens as ${JSON.stringify(summary(result.through))}`];
  return [...differences(expected, result.through), ...(result.through.info.name === name ? [] : ['another name'])];
}

function differences(expected: Opens, through: ThroughReport): string[] {
  const found: string[] = [];
  const is = summary(through);
  const should = {
    size: expected.size,
    frames: expected.frames,
    rate: expected.rate,
    firstMs: expected.firstMs ?? 0,
    audio: expected.audio ?? '',
    notices: expected.notices ?? '',
    repeated: expected.repeated ?? 0,
    timely: true,
  };
  if (JSON.stringify(is) !== JSON.stringify(should))
    found.push(`should be ${JSON.stringify(should)}, is ${JSON.stringify(is)}`);
  const { durationMs, pixel } = expected;
  const tookMs = Math.round(through.info.durationUs / 1000);
  if (durationMs !== undefined && Math.abs(tookMs - durationMs) > 1) found.push(`${tookMs} ms long`);
  const seen = through.pixel;
  if (pixel && !pixel.slice(2).every((level, i) => Math.abs(level - seen![i]!) <= PIXEL_TOLERANCE))
    found.push(`shows ${seen}`);
  return [...found, ...outputDifferences(through)];
}

/** What was written must have the clip's frames and times, and its sound. */
function outputDifferences({ info, output }: ThroughReport): string[] {
  if (!output) return [];
  const found: string[] = [];
  const even = (side: number) => Math.max(2, 2 * Math.round(side / 2));
  const copied = info.audioTracks.filter(({ copyable }) => copyable).map(({ codec }) => codec);
  const wrong = (what: string, was: unknown, is: unknown) => found.push(`written ${what}: ${is}, not ${was}`);
  if (output.frameCount !== info.frameCount) wrong('frames', info.frameCount, output.frameCount);
  if (output.width !== even(info.width) || output.height !== even(info.height))
    wrong('size', `${info.width}x${info.height}`, `${output.width}x${output.height}`);
  if (Math.abs(output.durationUs - info.durationUs) > 1500) wrong('duration', info.durationUs, output.durationUs);
  if (Math.abs(output.timestampsUs[0]! - info.timestampsUs[0]!) > 1500)
    wrong('start', info.timestampsUs[0], output.timestampsUs[0]);
  if (output.audioTracks.map(({ codec }) => codec).join() !== copied.join())
    wrong(
      'sound',
      copied,
      output.audioTracks.map(({ codec }) => codec),
    );
  return found;
}

function summary({ info, frameCount, repeatedFrames, notices, timely }: ThroughReport) {
  const { numerator, denominator } = info.frameRate;
  return {
    size: `${info.width}x${info.height}`,
    frames: frameCount === info.frameCount ? frameCount : -1,
    rate: info.variableFrameRate ? 'varies' : `${numerator}/${denominator}`,
    firstMs: Math.round(info.timestampsUs[0]! / 1000),
    audio: info.audioTracks.map(({ codec, copyable }) => (copyable ? codec : `(${codec})`)).join(' '),
    notices: notices.join(' '),
    repeated: repeatedFrames,
    timely,
  };
}
