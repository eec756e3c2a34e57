/**
 * Reads safetensors: an 8-byte header length, a JSON header, tensors end to end.
 *
 * Opening reads the header alone, so a 4 GB file costs a few hundred kilobytes. Every size in the header is checked against the file
 * before a byte of data is trusted. Limits: float64, float32, float16 and bfloat16 can be read as weights. Runs anywhere.
 */

import { type ByteSource, type Checkpoint, type CheckpointType, invalidCheckpoint, itemsOf } from './checkpoint.ts';
import { decodeValues, exactBuffer } from './values.ts';

const HEADER_BYTES_LIMIT = 25_000_000;

const ITEM_BYTES: { readonly [type: string]: number } = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
};
const TYPES: { readonly [type: string]: CheckpointType } = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
};

interface Entry {
  readonly type: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

/** @throws EnhancerError `CHECKPOINT_INVALID` for anything that is not a whole, consistent safetensors file. */
export async function openSafetensors(source: ByteSource): Promise<Checkpoint> {
  const entries = await readHeader(source);
  const entry = (key: string): Entry => {
    const found = entries.get(key);
    if (found === undefined) throw invalidCheckpoint(`The checkpoint has no tensor ${key}.`);
    return found;
  };
  return {
    keys: () => [...entries.keys()],
    has: (key) => entries.has(key),
    shape: (key) => entry(key).shape,
    type: (key) => TYPES[entry(key).type] ?? 'other',
    async read(key, part) {
      const { type, start: first, end: last } = entry(key);
      const [start, end] = itemsOf(last - first, part).map((at) => first + at) as [number, number];
      const bytes = await source.read(start, end);
      if (bytes.length !== end - start) throw invalidCheckpoint(`The checkpoint ends within ${key}.`);
      const values = decodeValues(TYPES[type] ?? 'other', bytes);
      if (values === null) {
        throw invalidCheckpoint(`The checkpoint's tensor ${key} is of type ${type}, which cannot be a weight.`);
      }
      return values;
    },
  };
}

async function readHeader(source: ByteSource): Promise<ReadonlyMap<string, Entry>> {
  if (source.bytes < 8) throw invalidCheckpoint('The checkpoint is empty or is no safetensors file.');
  const length = Number(new DataView(exactBuffer(await source.read(0, 8))).getBigUint64(0, true));
  if (length < 2 || length > HEADER_BYTES_LIMIT || length > source.bytes - 8) {
    throw invalidCheckpoint('The checkpoint is no safetensors file, or is cut off within its header.');
  }
  const dataStart = 8 + length;
  const parsed = parse(await source.read(8, dataStart));
  const entries = new Map<string, Entry>();
  for (const [key, value] of Object.entries(parsed)) {
    if (key !== '__metadata__') entries.set(key, checkedEntry(key, value, dataStart, source.bytes));
  }
  requireApart(entries);
  return entries;
}

function parse(bytes: Uint8Array): object {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  } catch (error) {
    throw invalidCheckpoint("The checkpoint's header cannot be read.", { cause: error });
  }
  throw invalidCheckpoint("The checkpoint's header is not a list of tensors.");
}

function checkedEntry(key: string, value: unknown, dataStart: number, fileBytes: number): Entry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as { [field: string]: unknown };
  const itemBytes = typeof dtype === 'string' && Object.hasOwn(ITEM_BYTES, dtype) ? ITEM_BYTES[dtype] : undefined;
  if (itemBytes === undefined || typeof dtype !== 'string') {
    throw invalidCheckpoint(`The checkpoint's tensor ${key} has an unknown type.`);
  }
  if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) {
    throw invalidCheckpoint(`The checkpoint's header is damaged at ${key}.`);
  }
  const [from, to] = offsets as readonly [number, number];
  const bytes = shape.reduce((total, size) => total * size, itemBytes);
  if (!Number.isSafeInteger(bytes) || to - from !== bytes) {
    throw invalidCheckpoint(`The checkpoint's tensor ${key} has the shape [${shape}] but ${to - from} bytes.`);
  }
  if (dataStart + to > fileBytes) {
    throw invalidCheckpoint(`The checkpoint is cut off: ${key} should end at byte ${dataStart + to} of ${fileBytes}.`);
  }
  return { type: dtype, shape, start: dataStart + from, end: dataStart + to };
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function requireApart(entries: ReadonlyMap<string, Entry>): void {
  const inOrder = [...entries].filter(([, { start, end }]) => end > start).sort(([, a], [, b]) => a.start - b.start);
  for (const [index, [key, { start }]] of inOrder.entries()) {
    const before = inOrder[index - 1];
    if (before !== undefined && before[1].end > start) {
      throw invalidCheckpoint(`The checkpoint's tensors ${before[0]} and ${key} overlap.`);
    }
  }
}
