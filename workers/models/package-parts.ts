/**
 * Which graphs a package has, and which checkpoint each takes its weights from. Everything that can be wrong with the checkpoints is found here,
 * before a byte is written. Costs a build of each graph, and for `compact` a reading of the linears, to find those that int4 does not suit.
 */

import { blockTransformGraph } from './autoencoder/block-transform.ts';
import { refinementTensors } from './autoencoder/refinement.ts';
import { type Checkpoint, invalidCheckpoint } from './checkpoint/checkpoint.ts';
import { recogniseCheckpoint, requireTensors } from './checkpoint/fit.ts';
import type { ModelConfig, PartName, Precision } from './manifest.ts';
import type { Graph } from './onnx/graph.ts';
import { sensitiveKeys } from './quantise/sensitive.ts';
import { storagePolicy } from './quantise/storage.ts';
import { textConfigOf, textGraph, textTensors } from './text/text-tower.ts';
import { VAE_PARTS, vaeConfigOf, vaeGraph, vaeTensors } from './vae/autoencoder.ts';
import { vaeStorage } from './vae/storage.ts';
import { expectedTensors, NETWORK_PARTS, networkGraph } from './venhancer/architecture.ts';

export interface Checkpoints {
  /** UNet and ControlNet. */
  readonly network: Checkpoint;
  /** A KL autoencoder. */
  readonly autoencoder?: Checkpoint;
  /** OpenCLIP, of which only the text tower is read. */
  readonly text?: Checkpoint;
}

export interface PackagePart {
  readonly name: PartName;
  readonly graph: Graph;
  /** Where its weights come from; of no use to a graph without. */
  readonly checkpoint: Checkpoint;
  readonly precision: Precision;
}

/**
 * The config with what the further checkpoints add to it.
 * @throws EnhancerError `CHECKPOINT_INVALID` for a file that is something else, or that belongs to another model.
 */
export function completeConfig(config: ModelConfig, { autoencoder, text }: Checkpoints): ModelConfig {
  return {
    ...config,
    ...(autoencoder === undefined ? {} : { autoencoder: autoencoderConfig(config, autoencoder) }),
    ...(text === undefined ? {} : { text: textConfig(config, text) }),
  };
}

/**
 * Every part of a package of a complete config.
 * @throws EnhancerError `CHECKPOINT_INVALID` where a checkpoint lacks tensors; `CANCELLED`.
 */
export async function packageParts(
  config: ModelConfig,
  checkpoints: Checkpoints,
  precision: Precision,
  signal?: AbortSignal,
): Promise<readonly PackagePart[]> {
  const { network, text } = checkpoints;
  requireTensors(network, expectedTensors(config));
  const others = [
    autoencoderParts(config, checkpoints, precision),
    config.text === undefined ? [] : [textPart(config.text, text, precision)],
  ] as const;
  const sensitive = precision === 'compact' ? await sensitiveIn(config, network, signal) : undefined;
  const storage = storagePolicy(precision, network, sensitive);
  const networks = NETWORK_PARTS.map((name) => {
    return { name, graph: networkGraph(config, name, { storage }), checkpoint: network, precision };
  });
  return [...others[0], ...networks, ...others[1]];
}

function sensitiveIn(config: ModelConfig, network: Checkpoint, signal?: AbortSignal): Promise<ReadonlySet<string>> {
  const storage = storagePolicy('compact', network);
  const weights = NETWORK_PARTS.flatMap((name) => networkGraph(config, name, { storage }).weights);
  return sensitiveKeys(network, weights, signal);
}

function autoencoderParts(
  { autoencoder: config }: ModelConfig,
  { network, autoencoder: checkpoint }: Checkpoints,
  precision: Precision,
): readonly PackagePart[] {
  if (config?.family === 'block-transform') {
    const { factor, refinement } = config;
    if (refinement) requireTensors(network, refinementTensors(refinement), { owned: /^decoder\./ });
    return VAE_PARTS.map((name) => {
      return { name, graph: blockTransformGraph(name, factor, refinement), checkpoint: network, precision: 'exact' };
    });
  }
  if (config?.family !== 'kl') return [];
  if (checkpoint === undefined) throw lacking('autoencoder');
  requireTensors(checkpoint, vaeTensors(config), { owned: /^(encoder|decoder|quant_conv|post_quant_conv)\./ });
  const storage = vaeStorage(precision, checkpoint);
  return VAE_PARTS.map((name) => ({ name, graph: vaeGraph(config, name, { storage }), checkpoint, precision }));
}

/** The tower stands before sampling and not in it: what is compact for the network is int8 for the tower. */
function textPart(
  config: NonNullable<ModelConfig['text']>,
  checkpoint: Checkpoint | undefined,
  precision: Precision,
): PackagePart {
  if (checkpoint === undefined) throw lacking('text encoder');
  requireTensors(checkpoint, textTensors(config), { owned: /^$/ });
  const own = precision === 'exact' ? 'exact' : 'balanced';
  const graph = textGraph(config, { storage: storagePolicy(own, checkpoint) });
  return { name: 'text-encoder', graph, checkpoint, precision: own };
}

function autoencoderConfig(config: ModelConfig, checkpoint: Checkpoint): NonNullable<ModelConfig['autoencoder']> {
  const found = vaeConfigOf(checkpoint);
  if (found === null) throw stranger('autoencoder', checkpoint);
  if (found.latentChannels !== config.latentChannels) {
    throw another('autoencoder', `${found.latentChannels} latent channels`, `${config.latentChannels}`);
  }
  return found;
}

function textConfig(config: ModelConfig, checkpoint: Checkpoint): NonNullable<ModelConfig['text']> {
  const found = textConfigOf(checkpoint);
  if (found === null) throw stranger('text encoder', checkpoint);
  if (found.width !== config.contextDim || found.contextLength !== config.contextLength) {
    const wanted = config.contextDim === 0 ? 'no text' : `[${config.contextLength}, ${config.contextDim}]`;
    throw another('text encoder', `a context of [${found.contextLength}, ${found.width}]`, wanted);
  }
  return found;
}

function lacking(what: string): Error {
  return invalidCheckpoint(`The model's ${what} has a checkpoint of its own, which is missing.`);
}

function stranger(what: string, checkpoint: Checkpoint): Error {
  return invalidCheckpoint(`The file for the ${what} looks like ${recogniseCheckpoint(checkpoint).description}.`);
}

function another(what: string, has: string, wanted: string): Error {
  return invalidCheckpoint(`The ${what} belongs to another model: it gives ${has} where this one takes ${wanted}.`);
}
