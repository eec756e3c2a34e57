/**
 * Sound that an MP4 holds and mediabunny has no name for: ALAC and AMR, with a sample entry of the source's own making.
 *
 * Pure. The muxer is told of a FLAC track whose configuration is a placeholder of the right length; before the file is closed its entry
 * is overwritten with ours, found in the index by the placeholder. Samples, times and edit lists are the muxer's as for any other track.
 */

import type { StreamTargetChunk } from 'mediabunny';
import { AUDIO_ENTRY_BYTES, boxChain, entryBoxes } from './mp4/entry-boxes.ts';

export interface OwnSoundEntry {
  readonly type: 'alac' | 'samr' | 'sawb';
  readonly bitsPerSample: number;
  /** The configuration box as the source has it, header and all: `alac`, `damr`. */
  readonly configuration: Uint8Array<ArrayBuffer>;
}

interface Patch {
  readonly position: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const BOX_HEADER_BYTES = 8;
const FULL_BOX_HEADER_BYTES = 12;
/** mediabunny takes no FLAC description that is shorter, its leading `fLaC` included. */
const MIN_DESCRIPTION_BYTES = 42;
const MARK = 'own entry ';

/** Stands for a track's entry until its index is written. */
export class OwnSoundEntries {
  private readonly entries: OwnSoundEntry[] = [];
  private patches: Patch[] = [];

  /** A FLAC configuration that makes room for `entry`. */
  placeholder(entry: OwnSoundEntry): Uint8Array<ArrayBuffer> {
    // Behind the configuration, what is left is a `free` box, which takes eight bytes at least.
    const room = Math.max(
      MIN_DESCRIPTION_BYTES - 4 + FULL_BOX_HEADER_BYTES,
      entry.configuration.length + BOX_HEADER_BYTES,
    );
    const description = new Uint8Array(4 + room - FULL_BOX_HEADER_BYTES);
    description.set(new TextEncoder().encode(`fLaC${MARK}`));
    description[4 + MARK.length] = this.entries.push(entry) - 1;
    return description;
  }

  /** @param index the file's `moov`, with what follows it, as it was written at `position`. */
  find(index: Uint8Array, position: number): void {
    if (this.entries.length === 0) return;
    const view = new DataView(index.buffer, index.byteOffset, index.byteLength);
    this.patches = soundEntries(view).flatMap(({ start, size }) => {
      const box = entryBoxes(view, start, start + size, AUDIO_ENTRY_BYTES).find(({ type }) => type === 'dfLa');
      if (!box) return [];
      const at = box.start + FULL_BOX_HEADER_BYTES;
      const mark = String.fromCharCode(...index.subarray(at, at + MARK.length));
      const entry = mark === MARK ? this.entries[index[at + MARK.length]!] : undefined;
      if (!entry) return [];
      const bytes = index.slice(start, box.start + box.size);
      overwrite(bytes, box.start - start, entry);
      return [{ position: position + start, bytes }];
    });
  }

  /** `target`, which gets the entries as the last thing before it is closed. */
  through(target: WritableStream<StreamTargetChunk>): WritableStream<StreamTargetChunk> {
    const writer = target.getWriter();
    return new WritableStream({
      write: (chunk) => writer.write(chunk),
      close: async () => {
        for (const { bytes, position } of this.patches) await writer.write({ type: 'write', data: bytes, position });
        await writer.close();
      },
      abort: (reason) => writer.abort(reason),
    });
  }
}

/** @param bytes an entry up to its placeholder's end. */
function overwrite(bytes: Uint8Array, configurationAt: number, entry: OwnSoundEntry): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  bytes.set(new TextEncoder().encode(entry.type), 4);
  // Behind the header: reserved (6), data reference (2), version (2), revision (2), vendor (4), channels (2).
  view.setUint16(BOX_HEADER_BYTES + 18, entry.bitsPerSample);
  bytes.fill(0, configurationAt);
  bytes.set(entry.configuration, configurationAt);
  const free = configurationAt + entry.configuration.length;
  view.setUint32(free, bytes.length - free);
  bytes.set(new TextEncoder().encode('free'), free + 4);
}

/** The sample entries called `fLaC`, wherever they stand in `moov`. */
function soundEntries(view: DataView): { start: number; size: number }[] {
  const inside = (type: string, start: number, end: number) =>
    (boxChain(view, start, end) ?? []).filter((box) => box.type === type);
  const contents = (type: string, within: readonly { start: number; size: number }[]) =>
    within.flatMap(({ start, size }) => inside(type, start + BOX_HEADER_BYTES, start + size));
  let boxes: { start: number; size: number }[] = inside('moov', 0, view.getUint32(0));
  for (const type of ['trak', 'mdia', 'minf', 'stbl', 'stsd']) boxes = contents(type, boxes);
  // Version and flags, and how many entries there are.
  return boxes.flatMap(({ start, size }) => inside('fLaC', start + BOX_HEADER_BYTES + 8, start + size));
}
