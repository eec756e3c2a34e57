/** Reads and checks a config file: the network alone, or a whole model's (manifest.ts). */

import { EnhancerError } from '../errors.ts';
import type { AutoencoderConfig, KlAutoencoderConfig, ModelConfig, NetworkConfig, TextConfig } from './manifest.ts';

/** @throws EnhancerError `MODEL_CORRUPT`, naming the field. */
export function parseConfig(value: unknown): ModelConfig {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('it is not an object');
  const fields = value as { readonly [field: string]: unknown };
  const network: NetworkConfig = {
    family: oneOf(fields, 'family', ['venhancer'] as const),
    latentChannels: whole(fields, 'latentChannels', 1),
    dim: whole(fields, 'dim', 2),
    multipliers: wholes(fields, 'multipliers', 1),
    blocks: whole(fields, 'blocks', 1),
    headDim: whole(fields, 'headDim', 1),
    firstTemporalHeads: whole(fields, 'firstTemporalHeads', 1),
    attentionLevels: wholes(fields, 'attentionLevels', 0),
    contextDim: whole(fields, 'contextDim', 0),
    contextLength: fields.contextDim === 0 ? 0 : whole(fields, 'contextLength', 0),
    groups: whole(fields, 'groups', 1),
    padding: oneOf(fields, 'padding', ['reference', 'plain'] as const),
  };
  requireConsistent(network);
  return { ...network, ...modelFields(fields, network.latentChannels) };
}

function requireConsistent(config: NetworkConfig): void {
  const { dim, multipliers, headDim, groups, attentionLevels, contextDim, contextLength } = config;
  if (multipliers.length === 0) throw wrong('"multipliers" is empty');
  if (attentionLevels.some((level) => level >= multipliers.length)) {
    throw wrong(`"attentionLevels" names a level beyond the ${multipliers.length} that "multipliers" has`);
  }
  if (contextDim > 0 && contextLength === 0) throw wrong('"contextLength" is 0 although "contextDim" is not');
  for (const [level, multiplier] of multipliers.entries()) {
    const channels = dim * multiplier;
    if (channels % groups !== 0)
      throw wrong(`level ${level} has ${channels} channels, not a multiple of ${groups} groups`);
    const attends = attentionLevels.includes(level) || level === multipliers.length - 1;
    if (attends && channels < headDim) {
      throw wrong(`level ${level} has ${channels} channels, fewer than one head's ${headDim}`);
    }
  }
  if (dim % 2 !== 0) throw wrong('"dim" is odd');
}

type ModelFields = Omit<ModelConfig, keyof NetworkConfig>;

function modelFields(fields: { readonly [field: string]: unknown }, channels: number): ModelFields {
  const perChannel = (field: string) =>
    fields[field] === undefined ? {} : { [field]: numbers(fields, field, channels) };
  const scalarOrPerChannel = (field: string) => {
    const value = fields[field];
    if (typeof value === 'number' && Number.isFinite(value)) return { [field]: value };
    return perChannel(field);
  };
  return {
    ...(fields.autoencoder === undefined ? {} : { autoencoder: autoencoder(fields.autoencoder, channels) }),
    ...(fields.text === undefined ? {} : { text: text(fields.text) }),
    ...(fields.prediction === undefined
      ? {}
      : { prediction: oneOf(fields, 'prediction', ['velocity', 'residual'] as const) }),
    ...scalarOrPerChannel('latentShift'),
    ...scalarOrPerChannel('latentScale'),
    ...perChannel('latentVariance'),
    ...spreadTable(fields, channels),
    ...perChannel('insertedSpread'),
  };
}

/** τ_key, a row per scale (docs/nano-model.md). */
function spreadTable(fields: { readonly [field: string]: unknown }, channels: number): ModelFields {
  if (fields.residualSpread === undefined) return {};
  const rows = fields.residualSpread;
  if (!Array.isArray(rows) || rows.length === 0) throw wrong('"residualSpread" is not a list of rows');
  const residualSpreadScales = numbers(fields, 'residualSpreadScales', rows.length);
  if (residualSpreadScales.some((scale, row) => row > 0 && scale <= residualSpreadScales[row - 1]!)) {
    throw wrong('"residualSpreadScales" does not rise');
  }
  const residualSpread = rows.map((row) => numbers({ residualSpread: row }, 'residualSpread', channels));
  return { residualSpreadScales, residualSpread };
}

function autoencoder(value: unknown, channels: number): AutoencoderConfig {
  const fields = (value ?? {}) as { readonly [field: string]: unknown };
  const family = oneOf(fields, 'family', ['none', 'block-transform', 'kl'] as const);
  if (family === 'none') return { family };
  if (family === 'kl') return klAutoencoder(fields, channels);
  const factor = whole(fields, 'factor', 2);
  if (factor % 2 !== 0 || 1.5 * factor * factor !== channels) {
    throw wrong(`a block transform of factor ${factor} does not have ${channels} channels`);
  }
  if (fields.refinement === undefined) return { family, factor };
  const shape = fields.refinement as { readonly [field: string]: unknown };
  const size = (name: string, least: number) => whole(shape, name, least);
  const refinement = {
    width: size('width', 1),
    near: size('near', 0),
    inner: size('inner', 1),
    depth: size('depth', 1),
  };
  return { family, factor, refinement };
}

function klAutoencoder(fields: { readonly [field: string]: unknown }, latentChannels: number): KlAutoencoderConfig {
  const config: KlAutoencoderConfig = {
    family: 'kl',
    decoder: oneOf(fields, 'decoder', ['temporal', 'spatial'] as const),
    latentChannels: whole(fields, 'latentChannels', 1),
    channels: wholes(fields, 'channels', 1),
    blocks: whole(fields, 'blocks', 1),
    groups: whole(fields, 'groups', 1),
    attentionKeys: oneOf(fields, 'attentionKeys', ['current', 'legacy'] as const),
  };
  if (config.latentChannels !== latentChannels) {
    throw wrong(`the autoencoder has ${config.latentChannels} channels, the network ${latentChannels}`);
  }
  if (config.channels.length === 0 || config.channels.some((width) => width % config.groups !== 0)) {
    throw wrong(`the autoencoder's channels are no multiples of ${config.groups} groups`);
  }
  return config;
}

function text(value: unknown): TextConfig {
  const fields = (value ?? {}) as { readonly [field: string]: unknown };
  const config: TextConfig = {
    family: oneOf(fields, 'family', ['openclip'] as const),
    vocabulary: whole(fields, 'vocabulary', 1),
    contextLength: whole(fields, 'contextLength', 1),
    width: whole(fields, 'width', 1),
    heads: whole(fields, 'heads', 1),
    mlpWidth: whole(fields, 'mlpWidth', 1),
    layers: whole(fields, 'layers', 1),
  };
  if (config.width % config.heads !== 0) {
    throw wrong(`the text encoder's width ${config.width} is no multiple of ${config.heads} heads`);
  }
  return config;
}

function whole(fields: { readonly [field: string]: unknown }, field: string, least: number): number {
  const value = fields[field];
  if (!Number.isSafeInteger(value) || (value as number) < least) {
    throw wrong(`"${field}" is ${JSON.stringify(value)}, not a whole number of at least ${least}`);
  }
  return value as number;
}

function wholes(fields: { readonly [field: string]: unknown }, field: string, least: number): readonly number[] {
  const value = fields[field];
  if (!Array.isArray(value) || !value.every((item) => Number.isSafeInteger(item) && item >= least)) {
    throw wrong(`"${field}" is ${JSON.stringify(value)}, not a list of whole numbers of at least ${least}`);
  }
  return value;
}

function numbers(fields: { readonly [field: string]: unknown }, field: string, count: number): readonly number[] {
  const value = fields[field];
  if (!Array.isArray(value) || value.length !== count || !value.every((item) => Number.isFinite(item))) {
    throw wrong(`"${field}" is not a list of ${count} numbers`);
  }
  return value;
}

function oneOf<T extends string>(
  fields: { readonly [field: string]: unknown },
  field: string,
  allowed: readonly T[],
): T {
  const value = allowed.find((option) => option === fields[field]);
  if (value === undefined) throw wrong(`"${field}" is ${JSON.stringify(fields[field])}, not ${allowed.join(' or ')}`);
  return value;
}

function wrong(what: string): EnhancerError {
  return new EnhancerError(
    'MODEL_CORRUPT',
    `The model's config is not valid: ${what}.`,
    'Use the config that came with the model, or configs/venhancer.json as a pattern.',
  );
}
