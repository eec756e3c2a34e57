/**
 * Where finished groups of pictures wait until the MP4 is written.
 *
 * The interface, and memory for small jobs; `jobs/` keeps them in the origin private file system. Encoded packets only: about a
 * hundredth of the decoded frames.
 */

import type { EncodedGroup, EncodedVideoPacket, OutputDecoderConfig } from './group-encoder.ts';
import { fitToTrack } from './parameter-sets.ts';

export interface PacketSink {
  /** Null until the first group is in. */
  readonly decoderConfig: OutputDecoderConfig | null;
  readonly packetCount: number;
  readonly bytes: number;
  /** Groups come in presentation order. Implementations run them through `fitToTrack`. */
  append(group: EncodedGroup): Promise<void>;
  /** All packets in decode order. */
  packets(): AsyncIterable<EncodedVideoPacket>;
}

export class MemoryPacketSink implements PacketSink {
  decoderConfig: OutputDecoderConfig | null = null;
  packetCount = 0;
  bytes = 0;
  private readonly groups: EncodedGroup[] = [];

  async append(group: EncodedGroup): Promise<void> {
    this.decoderConfig ??= group.decoderConfig;
    const fitted = fitToTrack(group, this.decoderConfig);
    this.groups.push(fitted);
    this.packetCount += fitted.packets.length;
    for (const packet of fitted.packets) this.bytes += packet.data.byteLength;
  }

  async *packets(): AsyncGenerator<EncodedVideoPacket> {
    for (const group of this.groups) yield* group.packets;
  }
}
