/**
 * A checkpoint: named tensors that stay in their file until one is asked for.
 *
 * Reading costs a tensor's bytes, or a part's, and their float32 copy; nothing is kept. Runs anywhere that has its byte source.
 */

import { EnhancerError } from '../../errors.ts';

/** What a tensor is stored as in the checkpoint, so far as it matters to precision. */
export type CheckpointType = 'float64' | 'float32' | 'float16' | 'bfloat16' | 'other';

export interface Checkpoint {
  keys(): readonly string[];
  has(key: string): boolean;
  /** @throws EnhancerError `CHECKPOINT_INVALID` for an unknown key, as do the next two. */
  shape(key: string): readonly number[];
  type(key: string): CheckpointType;
  /** @param part only that one of so many equal parts along the first axis. */
  read(key: string, part?: TensorPart): Promise<Float32Array>;
}

export interface TensorPart {
  readonly index: number;
  readonly count: number;
}

/** Items [start, end) of a tensor of so many. */
export function itemsOf(count: number, part: TensorPart = { index: 0, count: 1 }): readonly [number, number] {
  const size = count / part.count;
  return [part.index * size, (part.index + 1) * size];
}

/** Random access to a file's bytes. */
export interface ByteSource {
  readonly bytes: number;
  /** Bytes [start, end). */
  read(start: number, end: number): Promise<Uint8Array>;
}

export function blobBytes(blob: Blob): ByteSource {
  return {
    bytes: blob.size,
    read: async (start, end) => new Uint8Array(await blob.slice(start, end).arrayBuffer()),
  };
}

const HINT = 'Choose the checkpoint file that belongs to this model, and download it again if it may be incomplete.';

export function invalidCheckpoint(
  message: string,
  { cause, hint = HINT }: { readonly cause?: unknown; readonly hint?: string } = {},
): EnhancerError {
  return new EnhancerError('CHECKPOINT_INVALID', message, hint, cause === undefined ? {} : { cause });
}
