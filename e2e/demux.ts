/** What a finished MP4 contains, read by mp4box independently of the product's own demuxer. */

import { createFile, type Movie, MP4BoxBuffer, type Sample } from 'mp4box';

export interface DemuxedTrack {
  readonly codec: string;
  readonly timescale: number;
  readonly width: number;
  readonly height: number;
  readonly samples: readonly {
    readonly cts: number;
    readonly duration: number;
    readonly sync: boolean;
    readonly data: Uint8Array;
  }[];
}

export interface Demuxed {
  readonly durationSeconds: number;
  readonly video: DemuxedTrack;
  readonly audio: readonly DemuxedTrack[];
}

export async function demux(bytes: Buffer): Promise<Demuxed> {
  const file = createFile(true);
  let movie: Movie | undefined;
  const samples = new Map<number, Sample[]>();
  file.onReady = (info) => {
    movie = info;
    for (const track of info.tracks) {
      samples.set(track.id, []);
      file.setExtractionOptions(track.id, null, { nbSamples: 100_000 });
    }
    file.start();
  };
  file.onSamples = (id, _user, batch) => samples.get(id)!.push(...batch);
  const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(copy, 0));
  file.flush();
  if (!movie) throw new Error('mp4box found no movie');
  const tracks = movie.tracks.map((track) => ({
    type: track.type,
    codec: track.codec,
    timescale: track.timescale,
    width: track.video?.width ?? 0,
    height: track.video?.height ?? 0,
    samples: samples.get(track.id)!.map(({ cts, duration, is_sync, data }) => ({
      cts,
      duration,
      sync: is_sync,
      data: data!,
    })),
  }));
  const video = tracks.find(({ type }) => type === 'video');
  if (!video) throw new Error('the file has no video track');
  return {
    durationSeconds: movie.duration / movie.timescale,
    video,
    audio: tracks.filter(({ type }) => type === 'audio'),
  };
}
