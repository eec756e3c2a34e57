/**
 * Makes a moov or moof harmless before a parser sees it.
 *
 * Pure, in place, one pass over the box headers. mp4box loops over counts that the file states: a 20-byte `stsz` can ask for
 * four thousand million samples. Here every box that we have no use for becomes `free` (metadata, protection, sample groups),
 * and every table's count is checked against its own bytes. Limits: 20 million samples a track.
 */

import { notAVideo } from '../refusals.ts';
import { fourCharacterCode } from './box-scan.ts';
import { AUDIO_ENTRY_BYTES, boxChain, entryBoxes, VISUAL_ENTRY_BYTES } from './entry-boxes.ts';

export const MAX_SAMPLES = 20_000_000;

/** Containers that are descended into. */
const CONTAINERS = new Set(['moov', 'trak', 'edts', 'mdia', 'minf', 'stbl', 'mvex', 'moof', 'traf']);

/** Leaves that are kept, with where their entry count stands and how many bytes an entry takes at least (0: no table). */
const LEAVES: Readonly<Record<string, { readonly countAt: number; readonly entryBytes: number } | null>> = {
  ftyp: null,
  mvhd: null,
  tkhd: null,
  mdhd: null,
  hdlr: null,
  vmhd: null,
  smhd: null,
  stsd: null,
  trex: null,
  mehd: null,
  mfhd: null,
  tfhd: null,
  tfdt: null,
  trun: null,
  stsz: null,
  elst: { countAt: 12, entryBytes: 12 },
  stts: { countAt: 12, entryBytes: 8 },
  ctts: { countAt: 12, entryBytes: 8 },
  stsc: { countAt: 12, entryBytes: 12 },
  stco: { countAt: 12, entryBytes: 4 },
  co64: { countAt: 12, entryBytes: 8 },
  stss: { countAt: 12, entryBytes: 4 },
  stz2: { countAt: 16, entryBytes: 0.5 },
};

/** What a codec string is made from; everything else in a sample description we read ourselves. */
const KEPT_IN_SAMPLE_ENTRIES = new Set(['avcC', 'hvcC', 'av1C', 'vpcC']);

const FREE = [0x66, 0x72, 0x65, 0x65] as const;
const MAX_DEPTH = 8;

/**
 * Checks a run of boxes (ftyp, moov, moof) and blanks what isn't needed, in place.
 *
 * @throws EnhancerError `NOT_A_VIDEO` when a table claims more entries than it has bytes for.
 */
export function guardBoxes(bytes: Uint8Array<ArrayBuffer>): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  guardLevel(bytes, view, 0, bytes.byteLength, 0);
}

function guardLevel(bytes: Uint8Array, view: DataView, from: number, to: number, depth: number): void {
  if (depth > MAX_DEPTH) throw notAVideo('boxes nested too deep');
  let at = from;
  while (at + 8 <= to) {
    let size = view.getUint32(at);
    let headerBytes = 8;
    if (size === 1 && at + 16 <= to) {
      size = Number(view.getBigUint64(at + 8));
      headerBytes = 16;
    } else if (size === 0) {
      // Inside a container, "to the end" is spelt out so that the parser need not guess.
      size = to - at;
      view.setUint32(at, size);
    }
    if (size < headerBytes || at + size > to) throw notAVideo(`a box at ${at} of the header has size ${size}`);
    const type = fourCharacterCode(view, at + 4);
    if (type !== null && CONTAINERS.has(type)) {
      guardLevel(bytes, view, at + headerBytes, at + size, depth + 1);
    } else if (type !== null && Object.hasOwn(LEAVES, type)) {
      if (headerBytes !== 8) throw notAVideo(`${type} with a 64-bit size`);
      guardTable(view, type, at, size);
      if (type === 'stsd') guardSampleEntries(bytes, view, at, size);
    } else {
      bytes.set(FREE, at + 4);
    }
    at += size;
  }
}

function guardTable(view: DataView, type: string, at: number, size: number): void {
  if (type === 'stsz') {
    if (size < 20) throw notAVideo('stsz is cut short');
    // Samples of one size, as uncompressed sound has them: the parser would list each one; `constantSamples` reads what it says.
    if (view.getUint32(at + 12) !== 0) view.setUint32(at + 16, 0);
    else checkCount(type, view.getUint32(at + 16), 4, size - 20);
  } else if (type === 'trun') {
    if (size < 16) throw notAVideo('trun is cut short');
    const flags = view.getUint32(at + 8) & 0xffffff;
    const header = 16 + (flags & 0x1 ? 4 : 0) + (flags & 0x4 ? 4 : 0);
    const entryBytes = [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length * 4;
    checkCount(type, view.getUint32(at + 12), entryBytes, size - header);
  } else {
    const table = LEAVES[type];
    if (!table) return;
    if (size < table.countAt + 4) throw notAVideo(`${type} is cut short`);
    checkCount(type, view.getUint32(at + table.countAt), table.entryBytes, size - table.countAt - 4);
  }
}

/** Samples that are all of one size. */
export interface ConstantSamples {
  readonly count: number;
  readonly bytes: number;
}

/** What an `stsz` at `start` of the untouched header says; null where sizes differ. */
export function constantSamples(header: Uint8Array, start: number): ConstantSamples | null {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const bytes = view.getUint32(start + 12);
  return bytes === 0 ? null : { count: view.getUint32(start + 16), bytes };
}

function guardSampleEntries(bytes: Uint8Array, view: DataView, at: number, size: number): void {
  const entries = boxChain(view, at + 16, at + size);
  if (entries === null) throw notAVideo('the sample descriptions are broken');
  view.setUint32(at + 12, Math.min(view.getUint32(at + 12), entries.length));
  for (const entry of entries) {
    const children = entryBoxes(view, entry.start, entry.start + entry.size, [
      ...VISUAL_ENTRY_BYTES,
      ...AUDIO_ENTRY_BYTES,
    ]);
    let end = entry.start + 8;
    for (const child of children) {
      if (!KEPT_IN_SAMPLE_ENTRIES.has(child.type)) bytes.set(FREE, child.start + 4);
      end = child.start + child.size;
    }
    // QuickTime ends the list with zeros, which are no box.
    const rest = entry.start + entry.size - end;
    if (children.length > 0 && rest >= 8) {
      view.setUint32(end, rest);
      bytes.set(FREE, end + 4);
    }
  }
}

function checkCount(type: string, count: number, entryBytes: number, availableBytes: number): void {
  if (count > MAX_SAMPLES || count * entryBytes > availableBytes) {
    throw notAVideo(`${type} claims ${count} entries in ${availableBytes} bytes`);
  }
}
