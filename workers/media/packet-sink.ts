/**
 * Where finished windows wait until the MP4 is written.
 *
 * The interface, and memory for small jobs; `jobs/` keeps them in the origin private file system. Encoded packets only: about a
 * hundredth of the decoded frames.
 */

import { fitToTrack } from './parameter-sets.ts';
import type { EncodedVideoPacket, EncodedWindow, OutputDecoderConfig } from './window-encoder.ts';

export interface PacketSink {
  /** Null until the first window is in. */
  readonly decoderConfig: OutputDecoderConfig | null;
  readonly packetCount: number;
  readonly bytes: number;
  /** Windows come in presentation order. Implementations run them through `fitToTrack`. */
  append(window: EncodedWindow): Promise<void>;
  /** All packets in decode order. */
  packets(): AsyncIterable<EncodedVideoPacket>;
}

export class MemoryPacketSink implements PacketSink {
  decoderConfig: OutputDecoderConfig | null = null;
  packetCount = 0;
  bytes = 0;
  private readonly windows: EncodedWindow[] = [];

  async append(window: EncodedWindow): Promise<void> {
    this.decoderConfig ??= window.decoderConfig;
    const fitted = fitToTrack(window, this.decoderConfig);
    this.windows.push(fitted);
    this.packetCount += fitted.packets.length;
    for (const packet of fitted.packets) this.bytes += packet.data.byteLength;
  }

  async *packets(): AsyncGenerator<EncodedVideoPacket> {
    for (const window of this.windows) yield* window.packets;
  }
}
