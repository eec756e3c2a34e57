/** Whether a checkpoint is the one that a model needs, and if not, which one it looks like. Reads no weight. */

import { type Checkpoint, invalidCheckpoint } from './checkpoint.ts';
import { shown } from './zip-archive.ts';

/** The three files of the official model. */
export type CheckpointKind = 'network' | 'autoencoder' | 'text-encoder';

export interface RecognisedCheckpoint {
  /** `null`: a file that the page has no use for. */
  readonly kind: CheckpointKind | null;
  /** What it looks like, as in "This looks like …". */
  readonly description: string;
}

export interface Misfit {
  readonly missing: readonly string[];
  readonly misshapen: readonly {
    readonly key: string;
    readonly shape: readonly number[];
    readonly expected: readonly number[];
  }[];
  /** Tensors among the model's own names that have no place in it. */
  readonly strays: readonly string[];
}

export interface FitOptions {
  /** Names that belong to the model: a stray key elsewhere (an optimiser's, a trainer's note) does no harm. */
  readonly owned?: RegExp;
}

const NETWORK_KEY = /^(VideoControlNet|time_embed|input_blocks|middle_block|output_blocks|out)\./;
const NAMES_SHOWN = 3;

/** How a checkpoint differs from the tensors that are expected of it; lists are complete and in the model's order. */
export function misfit(
  checkpoint: Checkpoint,
  expected: ReadonlyMap<string, readonly number[]>,
  { owned = NETWORK_KEY }: FitOptions = {},
): Misfit {
  const missing: string[] = [];
  const misshapen: Misfit['misshapen'][number][] = [];
  for (const [key, shape] of expected) {
    if (!checkpoint.has(key)) missing.push(key);
    else if (checkpoint.shape(key).join() !== shape.join()) {
      misshapen.push({ key, shape: checkpoint.shape(key), expected: shape });
    }
  }
  const strays = checkpoint.keys().filter((key) => owned.test(key) && !expected.has(key));
  return { missing, misshapen, strays };
}

/**
 * Checks that a checkpoint has exactly the tensors of a model.
 * @throws EnhancerError `CHECKPOINT_INVALID`, naming the first keys that are missing, misshapen or left over, and what the file
 *   looks like where that can be told.
 */
export function requireTensors(
  checkpoint: Checkpoint,
  expected: ReadonlyMap<string, readonly number[]>,
  options: FitOptions = {},
): void {
  const { missing, misshapen, strays } = misfit(checkpoint, expected, options);
  const shapes = misshapen.map(({ key, shape, expected: right }) => `${key} is [${shape}] instead of [${right}]`);
  const problems = [
    missing.length > 0 ? `${missing.length} of ${expected.size} tensors are missing (${first(missing)})` : '',
    shapes.length > 0 ? `${shapes.length} tensors have another shape (${first(shapes)})` : '',
    strays.length > 0 ? `${strays.length} tensors have no place in it (${first(strays.map(shown))})` : '',
  ].filter((problem) => problem !== '');
  if (problems.length === 0) return;
  // Where a good part fits, what the file looks like is what it was taken for.
  const looks =
    missing.length > expected.size / 2 ? ` The file looks like ${recogniseCheckpoint(checkpoint).description}.` : '';
  throw invalidCheckpoint(`The checkpoint does not fit the model's config: ${problems.join('; ')}.${looks}`);
}

/** What a file looks like by its keys. It may still be incomplete: {@link misfit} tells. */
export function recogniseCheckpoint(checkpoint: Checkpoint): RecognisedCheckpoint {
  const has = (key: string) => checkpoint.has(key);
  const size = (key: string, axis: number) => (has(key) ? checkpoint.shape(key)[axis] : undefined);
  const kind = (name: CheckpointKind | null, description: string): RecognisedCheckpoint => ({
    kind: name,
    description,
  });

  if (has('VideoControlNet.input_blocks.0.0.weight') && has('input_blocks.0.0.weight')) {
    const reference = size('input_blocks.0.0.weight', 0) === 320;
    return kind('network', reference ? "VEnhancer's UNet and ControlNet" : 'a VEnhancer network of another size');
  }
  if (has('VideoControlNet.input_blocks.0.0.weight')) return kind(null, "VEnhancer's ControlNet without its UNet");
  if (has('input_blocks.0.0.weight')) return kind(null, "a diffusion UNet without VEnhancer's ControlNet");
  if (has('decoder.conv_in.weight') && has('encoder.conv_in.weight')) {
    if (has('decoder.time_conv_out.weight')) return kind('autoencoder', 'the VAE with the temporal decoder');
    if (has('decoder.up_blocks.0.resnets.0.conv1.weight'))
      return kind('autoencoder', 'an image VAE (Stable Diffusion 2.1)');
    return kind(
      null,
      'a VAE whose tensors are named as in the first Stable Diffusion; the one from diffusers is needed',
    );
  }
  if (has('token_embedding.weight') && has('transformer.resblocks.0.attn.in_proj_weight')) {
    const huge = size('token_embedding.weight', 1) === 1024 && has('transformer.resblocks.23.attn.in_proj_weight');
    return kind(huge ? 'text-encoder' : null, huge ? 'OpenCLIP ViT-H-14' : 'an OpenCLIP model other than ViT-H-14');
  }
  if (has('text_model.embeddings.token_embedding.weight')) {
    return kind(null, "a CLIP text encoder in Transformers' form; the one from OpenCLIP is needed");
  }
  if (checkpoint.keys().length === 0) return kind(null, 'a file without tensors');
  return kind(null, `none of the three files: its tensors begin with ${shown(checkpoint.keys()[0]!)}`);
}

function first(names: readonly string[]): string {
  return names.slice(0, NAMES_SHOWN).join(', ') + (names.length > NAMES_SHOWN ? ', …' : '');
}
