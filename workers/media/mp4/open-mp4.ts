/**
 * Demuxes MP4, MOV, M4V and their fragmented kind with mp4box.
 *
 * Runs anywhere (Node too). Reads the box headers, the movie header and the fragment headers; of the media itself only the
 * samples asked for. Memory: the movie header once, 33 bytes a sample, one 2 MiB block a track being read.
 * Limits: one sample description a video track; QuickTime's compressed movie headers (`cmov`, last seen around 2000) are not read.
 */

import { createFile, type ISOFile, Log, MP4BoxBuffer, VisualSampleEntry } from 'mp4box';
import { EnhancerError, throwIfAborted } from '../../errors.ts';
import type { AudioTrackInfo, ClipInfo } from '../clip-info.ts';
import type { AudioTrack, DemuxedClip, DemuxedVideo } from '../demuxed.ts';
import { frameRateOf } from '../frame-rate.ts';
import { encrypted, noFrames, notAVideo, noVideoTrack, truncated, unsupportedCodec } from '../refusals.ts';
import { SampleReader } from '../sample-reader.ts';
import { MAX_MOOF_BYTES, MAX_MOOV_BYTES, readBox, scanTopLevel, type TopLevelBox } from './box-scan.ts';
import { type PlacedSample, placeAudio, placeVideo } from './edit-list.ts';
import { constantSamples, guardBoxes } from './moov-guard.ts';
import { audioDescription, isEncrypted, pcmOf, pictureGeometry, videoDecoderConfig } from './sample-entries.ts';
import { addMoof, checkExtent, type SampleTable, SampleTableBuilder } from './sample-table.ts';

// mp4box writes what it finds broken to the console; here it becomes an error, with words.
Log.error = () => {};

type Moov = ISOFile['moov'];
type Trak = Moov['traks'][number];

/** @throws EnhancerError any of the refusals of an unreadable, cut, encrypted, empty or picture-less file. */
export async function openMp4(file: Blob, name: string, signal?: AbortSignal): Promise<DemuxedClip> {
  try {
    return await open(file, name, signal);
  } catch (error) {
    if (error instanceof EnhancerError) throw error;
    // mp4box throws RangeErrors and TypeErrors on broken headers.
    throw notAVideo(String(error));
  }
}

async function open(file: Blob, name: string, signal: AbortSignal | undefined): Promise<DemuxedClip> {
  const boxes = await scanTopLevel(file, signal);
  const moovBox = boxes.find((box) => box.type === 'moov');
  if (!moovBox) {
    if (boxes.some((box) => box.cut || box.type === 'mdat')) throw truncated('there is no moov box');
    throw notAVideo(`no moov among ${boxes.map((box) => box.type).join(' ') || 'no boxes'}`);
  }
  const moovBytes = await readBox(file, moovBox, MAX_MOOV_BYTES);
  const ftyp = boxes.find((box) => box.type === 'ftyp' && !box.cut && box.size <= 4096);
  const header = concatenate(ftyp ? await readBox(file, ftyp, 4096) : QUICKTIME_FTYP, moovBytes);
  const { moov } = parseBoxes(guarded(header));
  if (!moov?.traks?.length) throw noVideoTrack();

  const builders = new Map<number, SampleTableBuilder>();
  const usable = moov.traks.filter((trak) => trak.tkhd && trak.mdia?.mdhd && trak.mdia.minf?.stbl?.stsd?.entries[0]);
  for (const trak of usable) {
    const kind = trak.mdia.hdlr?.handler;
    if (kind !== 'vide' && kind !== 'soun') continue;
    const entry = trak.mdia.minf.stbl.stsd.entries[0];
    const pcm = kind === 'soun' && entry ? pcmOf({ entry, header }) : null;
    const { stsz } = trak.mdia.minf.stbl;
    const builder = new SampleTableBuilder(trak.mdia.mdhd.timescale, file.size, pcm?.frameBytes ?? null);
    builder.addStbl(trak, stsz?.start === undefined ? null : constantSamples(header, stsz.start));
    builders.set(trak.tkhd.track_id, builder);
  }
  await readFragments(file, boxes, moov, builders, signal);

  const tables = new Map([...builders].map(([id, builder]) => [id, builder.finish()] as const));
  const videoTrak = chooseVideo(usable, tables);
  const videoTable = tables.get(videoTrak.tkhd.track_id)!;
  checkExtent(videoTable, file.size);
  const movieTimescale = moov.mvhd?.timescale ?? 1000;
  const video = demuxVideo(file, header, videoTrak, videoTable, movieTimescale);

  const audio = usable
    .filter((trak) => trak.mdia.hdlr?.handler === 'soun')
    .flatMap((trak) => {
      const table = tables.get(trak.tkhd.track_id);
      return table && table.count > 0 ? [demuxAudio(file, header, trak, table, movieTimescale)] : [];
    });
  for (const { table } of audio) checkExtent(table, file.size);

  const { entry, placed } = video;
  const timestampsUs = placed.map((frame) => frame.timestampUs);
  const lastDurationUs = placed.at(-1)!.durationUs;
  const { rate, variable } = frameRateOf(timestampsUs, lastDurationUs, 1e6 / videoTable.timescale);
  const { geometry, decoderConfig } = video.track;
  const sideways = geometry.rotationDegrees % 180 !== 0;
  const info: ClipInfo = {
    name,
    bytes: file.size,
    container: isQuickTime(header) ? 'mov' : 'mp4',
    videoCodec: decoderConfig.codec,
    width: sideways ? geometry.height : geometry.width,
    height: sideways ? geometry.width : geometry.height,
    codedWidth: entry.width,
    codedHeight: entry.height,
    rotationDegrees: geometry.rotationDegrees,
    frameCount: placed.length,
    timestampsUs: timestampsUs.map(Math.round),
    lastFrameDurationUs: Math.round(lastDurationUs),
    durationUs: Math.round(timestampsUs.at(-1)! + lastDurationUs - timestampsUs[0]!),
    frameRate: rate,
    variableFrameRate: variable,
    colourSpace: decoderConfig.colorSpace ?? {},
    audioTracks: audio.map(({ info }) => info),
  };
  return { info, video: video.track, audioTracks: audio.map(({ track }) => track), close() {} };
}

async function readFragments(
  file: Blob,
  boxes: readonly TopLevelBox[],
  moov: Moov,
  builders: ReadonlyMap<number, SampleTableBuilder>,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const box of boxes) {
    if (box.type !== 'moof') continue;
    throwIfAborted(signal);
    const moof = parseBoxes(guarded(await readBox(file, box, MAX_MOOF_BYTES))).moofs[0];
    if (moof) addMoof(moof, box.start, moov.mvex, builders);
  }
  if (moov.mvex && boxes.at(-1)?.cut) throw truncated('the last fragment is cut short');
}

/** A copy that is safe to parse; positions stay what they were. */
function guarded(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  guardBoxes(copy);
  return copy;
}

/** Boxes only: `appendBuffer` would also build mp4box's own sample lists. */
function parseBoxes(bytes: Uint8Array<ArrayBuffer>): ISOFile {
  const parsed = createFile();
  parsed.onError = () => {};
  parsed.checkBuffer(MP4BoxBuffer.fromArrayBuffer(bytes.buffer, 0));
  parsed.parse();
  return parsed;
}

/** ISO/IEC 14496-12 §8.3.2, of `tkhd`. */
const TRACK_ENABLED = 1;

function chooseVideo(traks: readonly Trak[], tables: ReadonlyMap<number, SampleTable>): Trak {
  const candidates = traks.filter((trak) => trak.mdia.hdlr?.handler === 'vide');
  if (candidates.length === 0) throw noVideoTrack();
  const counted = candidates.map((trak) => ({ trak, count: tables.get(trak.tkhd.track_id)?.count ?? 0 }));
  // The first track that is switched on, as players do. A cover picture is a video track of one JPEG; where nothing moves, the one with the most frames.
  const moving = counted.filter(({ count }) => count > 1);
  const best =
    moving.find(({ trak }) => (trak.tkhd.flags & TRACK_ENABLED) !== 0) ??
    counted.reduce((a, b) => (b.count > a.count ? b : a));
  if (isEncrypted(best.trak.mdia.minf.stbl.stsd.entries[0]!)) throw encrypted();
  if (best.count === 0) throw noFrames();
  return best.trak;
}

function demuxVideo(
  file: Blob,
  header: Uint8Array<ArrayBuffer>,
  trak: Trak,
  table: SampleTable,
  movieTimescale: number,
): { track: DemuxedVideo; entry: VisualSampleEntry; placed: PlacedSample[] } {
  const entry = trak.mdia.minf.stbl.stsd.entries[0]!;
  if (!(entry instanceof VisualSampleEntry)) throw unsupportedCodec(String(entry.type));
  if (!(entry.width > 0 && entry.height > 0)) throw notAVideo('the picture has no size');
  const decoderConfig = videoDecoderConfig({ entry, header });
  if (table.severalDescriptions) throw unsupportedCodec(`${decoderConfig.codec}, changing on the way`);
  const placed = placeVideo(table, trak.edts?.elst?.entries, movieTimescale);
  if (placed.length === 0) throw noFrames();

  const track: DemuxedVideo = {
    decoderConfig,
    geometry: pictureGeometry({ entry, header }, trak.tkhd),
    sampleCount: table.count,
    mediaTimesUs: distinctTimes(table),
    sync: firstSampleIsSync(table.sync),
    frameSamples: Uint32Array.from(placed, (frame) => frame.sample),
    async *packets(firstSample, signal) {
      const reader = new SampleReader(file);
      for (let i = firstSample; i < table.count; i++) yield reader.read(table.offsets[i]!, table.bytes[i]!, signal);
    },
  };
  return { track, entry, placed };
}

/** Whole microseconds in presentation order, no two alike: decoders hand them back, and that is how frames are told apart. */
function distinctTimes(table: SampleTable): Float64Array {
  const order = new Uint32Array(table.count).map((_, i) => i);
  order.sort((a, b) => table.presentationTicks[a]! - table.presentationTicks[b]! || a - b);
  const times = new Float64Array(table.count);
  let previous = Number.NEGATIVE_INFINITY;
  for (const sample of order) {
    const time = Math.max(Math.round((table.presentationTicks[sample]! / table.timescale) * 1e6), previous + 1);
    times[sample] = time;
    previous = time;
  }
  return times;
}

/** Some writers mark no sync sample at all; decoding has to start somewhere. */
function firstSampleIsSync(sync: Uint8Array): Uint8Array {
  if (sync.includes(1)) return sync;
  const corrected = sync.slice();
  corrected[0] = 1;
  return corrected;
}

function demuxAudio(
  file: Blob,
  header: Uint8Array<ArrayBuffer>,
  trak: Trak,
  table: SampleTable,
  movieTimescale: number,
): { track: AudioTrack; info: AudioTrackInfo; table: SampleTable } {
  const entry = trak.mdia.minf.stbl.stsd.entries[0]!;
  const described =
    !isEncrypted(entry) && !table.severalDescriptions
      ? audioDescription({ entry, header })
      : { codec: null, decoderConfig: { codec: String(entry.type), sampleRate: 48000, numberOfChannels: 2 } };
  const placed = placeAudio(table, trak.edts?.elst?.entries, movieTimescale);
  const last = placed.at(-1);
  const track: AudioTrack = {
    ...described,
    languageCode: trak.mdia.mdhd.languageString || 'und',
    packetCount: described.codec === null ? 0 : placed.length,
    async *packets(signal) {
      if (described.codec === null) return;
      const reader = new SampleReader(file);
      for (const { sample, timestampUs, durationUs } of placed) {
        yield {
          data: await reader.read(table.offsets[sample]!, table.bytes[sample]!, signal),
          timestampUs,
          durationUs,
        };
      }
    },
  };
  return {
    track,
    table,
    info: {
      codec: described.codec ?? described.decoderConfig.codec,
      channels: described.decoderConfig.numberOfChannels,
      sampleRateHz: described.decoderConfig.sampleRate,
      durationUs: last ? Math.round(last.timestampUs + last.durationUs - Math.max(0, placed[0]!.timestampUs)) : 0,
      copyable: described.codec !== null && placed.length > 0,
    },
  };
}

/** Files without an `ftyp` are QuickTime's from before it was invented; mp4box reads their sound accordingly when told so. */
const QUICKTIME_FTYP = Uint8Array.of(
  0,
  0,
  0,
  20,
  0x66,
  0x74,
  0x79,
  0x70,
  0x71,
  0x74,
  0x20,
  0x20,
  0,
  0,
  0,
  0,
  0x71,
  0x74,
  0x20,
  0x20,
);

function isQuickTime(header: Uint8Array): boolean {
  return header[8] === 0x71 && header[9] === 0x74;
}

function concatenate(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.byteLength + b.byteLength);
  both.set(a);
  both.set(b, a.byteLength);
  return both;
}
