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

export function invalidCheckpoint(message: string, cause?: unknown): EnhancerError {
  const hint = 'Choose the checkpoint file that belongs to this model, and download it again if it may be incomplete.';
  return new EnhancerError('CHECKPOINT_INVALID', message, hint, cause === undefined ? {} : { cause });
}

/** Key prefixes of the network; a stray key elsewhere (an optimiser's, a trainer's note) does no harm. */
const NETWORK_KEY = /^(VideoControlNet|time_embed|input_blocks|middle_block|output_blocks|out)\./;

/**
 * Checks that a checkpoint has exactly the network's tensors.
 * @throws EnhancerError `CHECKPOINT_INVALID`, naming the first keys that are missing, misshapen or left over.
 */
export function requireTensors(checkpoint: Checkpoint, expected: ReadonlyMap<string, readonly number[]>): void {
  const missing: string[] = [];
  const misshapen: string[] = [];
  for (const [key, shape] of expected) {
    if (!checkpoint.has(key)) missing.push(key);
    else if (checkpoint.shape(key).join() !== shape.join()) {
      misshapen.push(`${key} is [${checkpoint.shape(key)}] instead of [${shape}]`);
    }
  }
  const strays = checkpoint.keys().filter((key) => NETWORK_KEY.test(key) && !expected.has(key));
  const problems = [
    missing.length > 0 ? `${missing.length} of ${expected.size} tensors are missing (${first(missing)})` : '',
    misshapen.length > 0 ? `${misshapen.length} tensors have another shape (${first(misshapen)})` : '',
    strays.length > 0 ? `${strays.length} tensors have no place in it (${first(strays)})` : '',
  ].filter((problem) => problem !== '');
  if (problems.length > 0) {
    throw invalidCheckpoint(`The checkpoint does not fit the model's config: ${problems.join('; ')}.`);
  }
}

function first(names: readonly string[]): string {
  return names.slice(0, 3).join(', ') + (names.length > 3 ? ', …' : '');
}
