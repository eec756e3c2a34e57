/**
 * Edit lists: what of a track's media is shown, and when. mp4box reports edits, it does not apply them.
 *
 * Pure. Every kept sample gets its presentation time on the movie's timeline: `edit start + (composition time − media_time)`
 * (ISO/IEC 14496-12 §8.6.6). Playback rates other than 1 are read as 1; a still ("dwell") edit shows its frame once.
 */

export interface Edit {
  /** In movie ticks; 0 in a fragmented file means "as long as the media". */
  readonly segment_duration: number;
  /** In track ticks; −1 is an empty edit. */
  readonly media_time: number;
  readonly media_rate_integer: number;
}

export interface PlacedSample {
  /** Index into the track's samples, in decode order. */
  readonly sample: number;
  /** On the movie's timeline, in microseconds; fractional. May be negative for audio that primes the decoder. */
  readonly timestampUs: number;
  readonly durationUs: number;
}

interface Span {
  /** The part of the media that is shown. */
  readonly startTicks: number;
  readonly endTicks: number;
  /** The media time that is presented at `presentationUs`. */
  readonly originTicks: number;
  readonly presentationUs: number;
}

/** How much audio before an edit is kept, hidden, so that the decoder is warm: AAC needs 2048 samples, Opus 80 ms. */
export const AUDIO_PREROLL_US = 200_000;

/** For a lone frame without any duration. */
const DEFAULT_FRAME_RATE = 25;

interface Times {
  readonly count: number;
  readonly timescale: number;
  readonly presentationTicks: Float64Array;
  readonly durationTicks: Uint32Array;
}

/**
 * A video track's frames in presentation order, each at its own time. A frame that an edit enters or leaves half-way is shown
 * for the rest; of frames with one and the same time the last is shown. Without edits media time is presentation time.
 */
export function placeVideo(times: Times, edits: readonly Edit[] | undefined, movieTimescale: number): PlacedSample[] {
  const order = presentationOrder(times);
  const ends = shownUntil(times, order);
  const placed: PlacedSample[] = [];
  for (const span of spans(edits, movieTimescale, times.timescale)) {
    for (let k = 0; k < order.length; k++) {
      const sample = order[k]!;
      const ownStart = times.presentationTicks[sample]!;
      const ownEnd = ends[k]!;
      if (ownStart >= span.endTicks) break;
      // Edits are rounded to the movie's coarser ticks: a sliver is no frame, and a frame is not cut by a sliver.
      const sliver = Math.min(times.timescale / movieTimescale, (ownEnd - ownStart) / 2);
      const start = ownStart < span.startTicks - sliver ? span.startTicks : ownStart;
      const end = ownEnd > span.endTicks + sliver ? span.endTicks : ownEnd;
      if (end - start <= (start > ownStart || end < ownEnd ? sliver : 0)) continue;
      placed.push({
        sample,
        timestampUs: span.presentationUs + ticksToUs(start - span.originTicks, times.timescale),
        durationUs: ticksToUs(end - start, times.timescale),
      });
    }
  }
  return placed;
}

/**
 * An audio track's packets, whole, in decode order. Packets just before an edit stay, at negative times: they warm the decoder
 * and the output's own edit list hides them again. A packet that runs past its edit's end keeps its bytes and ends there.
 */
export function placeAudio(times: Times, edits: readonly Edit[] | undefined, movieTimescale: number): PlacedSample[] {
  const placed: PlacedSample[] = [];
  const prerollTicks = (AUDIO_PREROLL_US * times.timescale) / 1e6;
  const sliver = times.timescale / movieTimescale;
  for (const span of spans(edits, movieTimescale, times.timescale)) {
    const from = placed.length === 0 ? span.startTicks - prerollTicks : span.startTicks;
    for (let sample = 0; sample < times.count; sample++) {
      const start = times.presentationTicks[sample]!;
      const ownEnd = start + times.durationTicks[sample]!;
      if (ownEnd <= from || start >= span.endTicks) continue;
      const end = ownEnd > span.endTicks + sliver ? span.endTicks : ownEnd;
      const timestampUs = span.presentationUs + ticksToUs(start - span.originTicks, times.timescale);
      const previous = placed.at(-1);
      if (previous && timestampUs < previous.timestampUs) continue;
      placed.push({ sample, timestampUs, durationUs: ticksToUs(end - start, times.timescale) });
    }
  }
  return placed;
}

function spans(edits: readonly Edit[] | undefined, movieTimescale: number, trackTimescale: number): Span[] {
  const result: Span[] = [];
  let presentationUs = 0;
  for (const edit of edits ?? []) {
    if (edit.media_time >= 0) {
      const durationTicks = (edit.segment_duration * trackTimescale) / movieTimescale;
      const toTheEnd = edit.segment_duration === 0;
      result.push({
        startTicks: edit.media_time,
        endTicks: toTheEnd ? Number.POSITIVE_INFINITY : edit.media_time + durationTicks,
        originTicks: edit.media_time,
        presentationUs,
      });
    }
    presentationUs += ticksToUs(edit.segment_duration, movieTimescale);
  }
  if (result.length > 0) return result;
  return [
    {
      startTicks: Number.NEGATIVE_INFINITY,
      endTicks: Number.POSITIVE_INFINITY,
      originTicks: 0,
      presentationUs,
    },
  ];
}

function presentationOrder(times: Times): Uint32Array {
  const order = new Uint32Array(times.count).map((_, i) => i);
  return order.sort((a, b) => times.presentationTicks[a]! - times.presentationTicks[b]! || a - b);
}

/** A frame is shown until the next one; the last for its own duration or, where the file states none, the interval before. */
function shownUntil(times: Times, order: Uint32Array): Float64Array {
  const ends = new Float64Array(order.length);
  for (let k = 0; k < order.length; k++) {
    const start = times.presentationTicks[order[k]!]!;
    const next = order[k + 1];
    const previous = order[k - 1];
    if (next !== undefined) {
      ends[k] = times.presentationTicks[next]!;
    } else {
      const interval = previous === undefined ? 0 : start - times.presentationTicks[previous]!;
      ends[k] = start + (times.durationTicks[order[k]!]! || interval || times.timescale / DEFAULT_FRAME_RATE);
    }
  }
  return ends;
}

function ticksToUs(ticks: number, timescale: number): number {
  return (ticks / timescale) * 1e6;
}
