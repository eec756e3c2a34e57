/** A clip of any length, made of one that returns to where it began: the same packets over and over, so that it costs nothing to make. */

import { openContainer } from '../workers/media/container.ts';
import type { EncodedVideoPacket, OutputDecoderConfig } from '../workers/media/group-encoder.ts';
import { muxMp4ToBlob } from '../workers/media/mux.ts';

/**
 * @param loop H.264, its frames in presentation order, the first a key frame.
 * @param paddingBytes added to every frame, as H.264's own filler: a clip too large to be read at once.
 * @returns an MP4 without sound.
 */
export async function longClip(loop: Blob, seconds: number, framesPerSecond: number, paddingBytes = 0): Promise<Blob> {
  const { video } = await openContainer(loop);
  const frames: Uint8Array<ArrayBuffer>[] = [];
  for await (const data of video.packets(0)) frames.push(padded(data, paddingBytes));
  const frameCount = Math.round(seconds * framesPerSecond);
  const time = (frame: number) => Math.round((frame * 1e6) / framesPerSecond);
  async function* packets(): AsyncGenerator<EncodedVideoPacket> {
    for (let frame = 0; frame < frameCount; frame += 1) {
      const at = frame % frames.length;
      const type = video.sync[at] === 1 ? 'key' : 'delta';
      yield { data: frames[at]!, timestampUs: time(frame), durationUs: time(frame + 1) - time(frame), type };
    }
  }
  const decoderConfig = video.decoderConfig as OutputDecoderConfig;
  return muxMp4ToBlob({
    video: { decoderConfig, packetCount: frameCount, packets },
    frameRate: Number.isInteger(framesPerSecond) ? { numerator: framesPerSecond, denominator: 1 } : null,
    audioTracks: [],
  });
}

/** With a NAL unit of filler data (type 12) of that many bytes behind it. */
function padded(data: Uint8Array<ArrayBuffer>, bytes: number): Uint8Array<ArrayBuffer> {
  if (bytes === 0) return data;
  const out = new Uint8Array(data.byteLength + 4 + bytes).fill(0xff, data.byteLength);
  out.set(data);
  new DataView(out.buffer).setUint32(data.byteLength, bytes);
  out[data.byteLength + 4] = 12;
  out[out.byteLength - 1] = 0x80;
  return out;
}
