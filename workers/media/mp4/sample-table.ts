/**
 * A track's samples as flat arrays, built from mp4box's parsed boxes.
 *
 * Runs anywhere; about 33 bytes a sample (mp4box's own sample objects take over 300). The expansion is ours because mp4box's
 * ignores every `tfdt` but the first, every `trun` data offset but the first, and the table's own last duration.
 */

import type { ISOFile } from 'mp4box';
import { noFrames, notAVideo, truncated } from '../refusals.ts';
import { type ConstantSamples, MAX_SAMPLES } from './moov-guard.ts';

type Trak = ISOFile['moov']['traks'][number];
type Moof = ISOFile['moofs'][number];
type Mvex = NonNullable<ISOFile['moov']['mvex']>;

/** Samples in decode order; times in the track's own ticks. */
export interface SampleTable {
  readonly count: number;
  readonly timescale: number;
  readonly offsets: Float64Array;
  readonly bytes: Uint32Array;
  readonly decodeTicks: Float64Array;
  readonly presentationTicks: Float64Array;
  readonly durationTicks: Uint32Array;
  /** 1 where decoding may start. */
  readonly sync: Uint8Array;
  /** True when samples refer to more than one sample description. */
  readonly severalDescriptions: boolean;
}

/** About what a packet of compressed sound holds. */
const PCM_BLOCK_FRAMES = 1024;

export class SampleTableBuilder {
  readonly timescale: number;
  private count = 0;
  private offsets = new Float64Array(256);
  private sizes = new Uint32Array(256);
  private decodeTicks = new Float64Array(256);
  private presentationTicks = new Float64Array(256);
  private durationTicks = new Uint32Array(256);
  private sync = new Uint8Array(256);
  private nextDecodeTicks = 0;
  private severalDescriptions = false;

  readonly #pcmFrameBytes: number | null;

  readonly #fileBytes: number;

  /**
   * @param fileBytes of the whole file: no more samples than that are believed.
   * @param pcmFrameBytes of uncompressed sound, which is kept in blocks; null for all else.
   */
  constructor(timescale: number, fileBytes: number, pcmFrameBytes: number | null = null) {
    this.#fileBytes = fileBytes;
    if (!(timescale > 0)) throw notAVideo('a track has no timescale');
    this.timescale = timescale;
    this.#pcmFrameBytes = pcmFrameBytes;
  }

  private push(offset: number, size: number, compositionTicks: number, duration: number, sync: boolean): void {
    if (this.#pcmFrameBytes !== null && this.joined(offset, size, duration)) return;
    if (this.count >= MAX_SAMPLES) throw notAVideo(`more than ${MAX_SAMPLES} samples`);
    if (this.count === this.offsets.length) this.grow();
    const i = this.count++;
    this.offsets[i] = offset;
    this.sizes[i] = size;
    this.decodeTicks[i] = this.nextDecodeTicks;
    this.presentationTicks[i] = this.nextDecodeTicks + compositionTicks;
    this.durationTicks[i] = duration;
    this.sync[i] = sync ? 1 : 0;
    this.nextDecodeTicks += duration;
  }

  /** Samples without a size each cost the index nothing: a few bytes may claim thousands of millions. */
  private assertRoom(count: number, bytes: number): void {
    if (count * Math.max(1, bytes) > this.#fileBytes) {
      throw truncated(`the index has ${count} samples of ${bytes} bytes, the file has ${this.#fileBytes}`);
    }
  }

  /** Whether the moment was added to the block that it follows. */
  private joined(offset: number, size: number, duration: number): boolean {
    const last = this.count - 1;
    if (last < 0 || this.sizes[last]! + size > PCM_BLOCK_FRAMES * this.#pcmFrameBytes!) return false;
    const follows =
      offset === this.offsets[last]! + this.sizes[last]! &&
      this.nextDecodeTicks === this.decodeTicks[last]! + this.durationTicks[last]!;
    if (!follows) return false;
    this.sizes[last]! += size;
    this.durationTicks[last]! += duration;
    this.nextDecodeTicks += duration;
    return true;
  }

  private grow(): void {
    const length = this.offsets.length * 2;
    const larger = <T extends Float64Array | Uint32Array | Uint8Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.offsets = larger(this.offsets, new Float64Array(length));
    this.sizes = larger(this.sizes, new Uint32Array(length));
    this.decodeTicks = larger(this.decodeTicks, new Float64Array(length));
    this.presentationTicks = larger(this.presentationTicks, new Float64Array(length));
    this.durationTicks = larger(this.durationTicks, new Uint32Array(length));
    this.sync = larger(this.sync, new Uint8Array(length));
  }

  /**
   * Adds the samples of the movie header's own tables (none in a fragmented file).
   * @param constant where all samples are of one size.
   */
  addStbl(trak: Trak, constant: ConstantSamples | null): void {
    const stbl = trak.mdia.minf.stbl;
    const sizes = (stbl.stsz ?? stbl.stz2)?.sample_sizes ?? [];
    const count = constant?.count ?? sizes.length;
    if (count === 0) return;
    if (constant) this.assertRoom(count, this.#pcmFrameBytes ?? constant.bytes);
    if (this.#pcmFrameBytes !== null) {
      this.addPcm(trak, this.#pcmFrameBytes, count);
      return;
    }
    const chunkOffsets = (stbl.stco ?? stbl.co64)?.chunk_offsets;
    const { stts, stsc, ctts, stss } = stbl;
    if (!chunkOffsets || !stts || !stsc) throw notAVideo('a track lacks a sample table');

    const durations = new RunReader(stts.sample_counts, stts.sample_deltas);
    const compositions = ctts ? new RunReader(ctts.sample_counts, ctts.sample_offsets) : null;
    const syncNumbers = stss ? new Set(stss.sample_numbers) : null;
    let run = 0;
    let sample = 0;
    for (let chunk = 1; sample < count; chunk++) {
      const nextRunChunk = stsc.first_chunk[run + 1];
      if (nextRunChunk !== undefined && chunk >= nextRunChunk) run++;
      let offset = chunkOffsets[chunk - 1];
      const samplesInChunk = stsc.samples_per_chunk[run];
      if (offset === undefined || samplesInChunk === undefined) {
        throw truncated(`the index has ${count} samples, ${sample} of them in its chunks`);
      }
      if (stsc.sample_description_index[run] !== 1) this.severalDescriptions = true;
      for (let k = 0; k < samplesInChunk && sample < count; k++) {
        const size = constant?.bytes ?? sizes[sample]!;
        this.push(
          offset,
          size,
          compositions?.next() ?? 0,
          durations.next(),
          syncNumbers === null || syncNumbers.has(sample + 1),
        );
        offset += size;
        sample++;
      }
    }
  }

  /** Uncompressed sound: a sample is a moment of every channel, a chunk thousands of them, one behind the other. */
  private addPcm(trak: Trak, frameBytes: number, count: number): void {
    const { stco, co64, stsc, stts } = trak.mdia.minf.stbl;
    const chunkOffsets = (stco ?? co64)?.chunk_offsets;
    if (!chunkOffsets || !stts || !stsc) throw notAVideo('a track lacks a sample table');
    const delta = stts.sample_deltas[0] ?? 1;
    let run = 0;
    let left = count;
    for (let chunk = 1; left > 0; chunk++) {
      const nextRunChunk = stsc.first_chunk[run + 1];
      if (nextRunChunk !== undefined && chunk >= nextRunChunk) run++;
      const offset = chunkOffsets[chunk - 1];
      const frames = Math.min(left, stsc.samples_per_chunk[run] ?? 0);
      if (offset === undefined) throw truncated(`the index has ${count} samples, ${left} of them in no chunk`);
      if (stsc.sample_description_index[run] !== 1) this.severalDescriptions = true;
      for (let done = 0; done < frames; done += PCM_BLOCK_FRAMES) {
        const block = Math.min(PCM_BLOCK_FRAMES, frames - done);
        this.push(offset + done * frameBytes, block * frameBytes, 0, block * delta, true);
      }
      left -= frames;
    }
  }

  /** Adds one track fragment. `runEnd` is where the data of the fragment before it in the same moof ended. */
  addTraf(traf: Moof['trafs'][number], trex: Mvex['trexs'][number] | undefined, moofStart: number, runEnd: number) {
    const { tfhd } = traf;
    const flags = tfhd.flags;
    const base = flags & 0x1 ? tfhd.base_data_offset : flags & 0x20000 ? moofStart : runEnd;
    const defaultDuration = flags & 0x8 ? tfhd.default_sample_duration : (trex?.default_sample_duration ?? 0);
    const defaultSize = flags & 0x10 ? tfhd.default_sample_size : (trex?.default_sample_size ?? 0);
    const defaultFlags = flags & 0x20 ? tfhd.default_sample_flags : (trex?.default_sample_flags ?? 0);
    if (traf.tfdt) this.nextDecodeTicks = traf.tfdt.baseMediaDecodeTime;
    let offset = base;
    for (const trun of traf.truns ?? []) {
      if (!(trun.flags & 0x200)) this.assertRoom(trun.sample_count, defaultSize);
      if (trun.flags & 0x1) offset = base + trun.data_offset;
      for (let k = 0; k < trun.sample_count; k++) {
        const size = trun.flags & 0x200 ? trun.sample_size[k]! : defaultSize;
        let sampleFlags = trun.flags & 0x400 ? trun.sample_flags[k]! : defaultFlags;
        if (k === 0 && trun.flags & 0x4) sampleFlags = trun.first_sample_flags;
        this.push(
          offset,
          size,
          trun.flags & 0x800 ? trun.sample_composition_time_offset[k]! : 0,
          trun.flags & 0x100 ? trun.sample_duration[k]! : defaultDuration,
          ((sampleFlags >> 16) & 1) === 0,
        );
        offset += size;
      }
    }
    return offset;
  }

  finish(): SampleTable {
    const { count } = this;
    return {
      count,
      timescale: this.timescale,
      offsets: this.offsets.slice(0, count),
      bytes: this.sizes.slice(0, count),
      decodeTicks: this.decodeTicks.slice(0, count),
      presentationTicks: this.presentationTicks.slice(0, count),
      durationTicks: this.durationTicks.slice(0, count),
      sync: this.sync.slice(0, count),
      severalDescriptions: this.severalDescriptions,
    };
  }
}

/** Adds a fragment's tracks to their builders. */
export function addMoof(
  moof: Moof,
  moofStart: number,
  mvex: Mvex | undefined,
  builders: ReadonlyMap<number, SampleTableBuilder>,
): void {
  let runEnd = moofStart;
  for (const traf of moof.trafs ?? []) {
    if (!traf.tfhd) throw notAVideo('a fragment has no header');
    const trackId = traf.tfhd.track_id;
    const trex = mvex?.trexs?.find((candidate) => candidate.track_id === trackId);
    const builder = builders.get(trackId);
    if (builder) runEnd = builder.addTraf(traf, trex, moofStart, runEnd);
  }
}

/** @throws EnhancerError `TRUNCATED` when a sample lies past the end of the file, `NO_FRAMES` when there are none. */
export function checkExtent(table: SampleTable, fileBytes: number): void {
  if (table.count === 0) throw noFrames();
  for (let i = 0; i < table.count; i++) {
    const end = table.offsets[i]! + table.bytes[i]!;
    if (!(end <= fileBytes) || table.offsets[i]! < 0) {
      const second = (table.decodeTicks[i]! / table.timescale).toFixed(1);
      throw truncated(`the data of second ${second} lies at byte ${table.offsets[i]}, the file ends at ${fileBytes}`);
    }
  }
}

/** Reads a run-length table one entry at a time; past its end it repeats its last value. */
class RunReader {
  private run = 0;
  private used = 0;
  private readonly counts: readonly number[];
  private readonly values: readonly number[];

  constructor(counts: readonly number[], values: readonly number[]) {
    this.counts = counts;
    this.values = values;
  }

  next(): number {
    while (this.run < this.counts.length - 1 && this.used >= this.counts[this.run]!) {
      this.run++;
      this.used = 0;
    }
    this.used++;
    return this.values[this.run] ?? 0;
  }
}
