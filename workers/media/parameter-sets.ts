/**
 * Makes groups from different encoders fit one MP4 track.
 *
 * Pure. A track has one `avcC` or `hvcC`, but every group has an encoder of its own, and a job may resume on another day: where
 * a group's parameter sets differ from the track's, they are put in front of its key frame, where decoders look too.
 */

import type { EncodedGroup, OutputDecoderConfig } from './group-encoder.ts';
import { encodeFailed } from './refusals.ts';

/** The group as it is, or with its parameter sets in band. @throws EnhancerError `ENCODE_FAILED` when the codec differs. */
export function fitToTrack(group: EncodedGroup, track: OutputDecoderConfig): EncodedGroup {
  const own = group.decoderConfig;
  if (sameBytes(own.description, track.description)) return group;
  const isAvc = own.codec.startsWith('avc') && track.codec.startsWith('avc');
  const isHevc = /^h(vc|ev)/.test(own.codec) && /^h(vc|ev)/.test(track.codec);
  if (!own.description || !(isAvc || isHevc)) throw encodeFailed(`${own.codec} does not fit a track of ${track.codec}`);
  const units = isAvc ? avcParameterSets(own.description) : hevcParameterSets(own.description);
  const [first, ...rest] = group.packets;
  return { packets: [{ ...first!, data: concatenate(units, first!.data) }, ...rest], decoderConfig: track };
}

/** SPS and PPS of an `avcC` record (ISO/IEC 14496-15 §5.3.3). */
function avcParameterSets(record: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const units: Uint8Array<ArrayBuffer>[] = [];
  let at = 5;
  for (const mask of [0x1f, 0xff]) {
    const count = view.getUint8(at++) & mask;
    for (let i = 0; i < count; i++) {
      const bytes = view.getUint16(at);
      units.push(record.slice(at + 2, at + 2 + bytes));
      at += 2 + bytes;
    }
  }
  return units;
}

/** VPS, SPS and PPS of an `hvcC` record (§8.3.3). */
function hevcParameterSets(record: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const units: Uint8Array<ArrayBuffer>[] = [];
  let at = 23;
  for (let array = 0; array < view.getUint8(22); array++) {
    const count = view.getUint16(at + 1);
    at += 3;
    for (let i = 0; i < count; i++) {
      const bytes = view.getUint16(at);
      units.push(record.slice(at + 2, at + 2 + bytes));
      at += 2 + bytes;
    }
  }
  return units;
}

/** Units with their 4-byte lengths, before the packet. */
function concatenate(units: readonly Uint8Array[], packet: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = units.reduce((sum, unit) => sum + 4 + unit.byteLength, packet.byteLength);
  const out = new Uint8Array(bytes);
  const view = new DataView(out.buffer);
  let at = 0;
  for (const unit of units) {
    view.setUint32(at, unit.byteLength);
    out.set(unit, at + 4);
    at += 4 + unit.byteLength;
  }
  out.set(packet, at);
  return out;
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
}
