/**
 * A checkpoint: named tensors that stay in their file until one is asked for.
 *
 * Reading costs one tensor's bytes and its float32 copy; nothing is kept. Runs anywhere that has its byte source.
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
  read(key: string): Promise<Float32Array>;
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
