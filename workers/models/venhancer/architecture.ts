/**
 * The architecture of SPEC §1 as graphs: `controlnet` and `unet` from one config, over weights named as the official checkpoint
 * names them. Also what follows from the graphs alone: the keys a checkpoint must have, parameters, work.
 *
 * Building a graph costs milliseconds and reads no weight. Runs anywhere.
 */

import type { NetworkConfig } from '../manifest.ts';
import { type Graph, GraphBuilder, type Storage, type Value, type WeightRequest } from '../onnx/graph.ts';
import type { Chunks } from './chunks.ts';
import { controlNetGraph } from './controlnet.ts';
import type { Network } from './network.ts';
import { type UNetSection, unetSectionGraph } from './sections.ts';
import { unetGraph } from './unet.ts';

export type NetworkPart = 'controlnet' | 'unet';
export const NETWORK_PARTS: readonly NetworkPart[] = ['controlnet', 'unet'];

export interface BuildOptions {
  /** What each weight is stored as; float32 when absent. */
  readonly storage?: (request: WeightRequest) => Storage;
  /** Cuts the transformers' hungry steps; nothing when absent. */
  readonly chunks?: Chunks | null;
  /** 3×3 convolutions in fewer multiply-adds, for providers that gain by it (onnx/winograd.ts). */
  readonly winograd?: boolean;
  /** Of the UNet alone: a part of it, to be run after those before it (sections.ts). */
  readonly section?: UNetSection | null;
  /** Adds every module's output as a graph output `trace/<path>`: for tests. */
  readonly traced?: boolean;
}

export function networkGraph(config: NetworkConfig, part: NetworkPart, options: BuildOptions = {}): Graph {
  const g = new GraphBuilder(part, options.storage ?? (() => 'float32'));
  const marked: [path: string, value: Value][] = [];
  const network: Network = {
    g,
    config,
    prefix: part === 'controlnet' ? 'VideoControlNet.' : '',
    chunks: options.chunks ?? null,
    winograd: options.winograd ?? false,
    mark: (path, value) => marked.push([path, value]),
  };
  if (part === 'controlnet') controlNetGraph(network);
  else if (options.section) unetSectionGraph(network, options.section);
  else unetGraph(network);
  if (options.traced) {
    for (const [path, value] of marked) g.output(`trace/${network.prefix}${path}`, value);
  }
  return g.finish();
}

/** Every checkpoint key that the graphs read, with its shape in the checkpoint. */
export function expectedTensors(config: NetworkConfig): ReadonlyMap<string, readonly number[]> {
  const requests = NETWORK_PARTS.flatMap((part) => networkGraph(config, part).weights);
  return new Map(requests.map(({ key, shape }) => [key, shape]));
}
