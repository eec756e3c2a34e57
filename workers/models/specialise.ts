/**
 * A package's network again, built for a job: over the weights that the package has stored, with the transformers' hungry steps cut so that they
 * fit. Costs a build of the graph, under a second; reads no weight.
 */

import { invalidCheckpoint } from './checkpoint/checkpoint.ts';
import type { ModelConfig } from './manifest.ts';
import type { Storage, WeightRequest } from './onnx/graph.ts';
import { DATA_TYPES, modelFile, weightValues } from './onnx/model-file.ts';
import { storedWeights } from './onnx/stored-weights.ts';
import { type NetworkPart, networkGraph } from './venhancer/architecture.ts';
import type { Chunks } from './venhancer/chunks.ts';
import type { UNetSection } from './venhancer/sections.ts';

export interface Variant {
  readonly chunks?: Chunks | null;
  readonly section?: UNetSection | null;
  readonly winograd?: boolean;
}

/**
 * @param file the package's own graph of that part.
 * @returns the bytes of another over the same shards, and the names of those that it reads.
 */
export function specialised(
  config: ModelConfig,
  part: NetworkPart,
  file: Uint8Array,
  { chunks = null, section = null, winograd = false }: Variant,
): { readonly graph: Uint8Array; readonly locations: ReadonlySet<string> } {
  const stored = storedWeights(file);
  const storage = ({ key, part: slice }: WeightRequest): Storage => {
    const name = slice === undefined ? key : `${key}#${slice.index}`;
    const type = stored.get(name)?.dataType;
    const found = STORAGES.find((each) => DATA_TYPES[each] === type);
    if (!found) throw invalidCheckpoint(`The package's ${part} lacks ${name}.`);
    return found;
  };
  const graph = networkGraph(config, part, { storage, chunks, section, winograd });
  const placements = new Map([...stored].map(([name, { placement }]) => [name, placement]));
  const locations = weightValues(graph).map(({ name }) => placements.get(name)?.location ?? '');
  return { graph: modelFile(graph, placements), locations: new Set(locations) };
}

const STORAGES: readonly Storage[] = ['float32', 'float16', 'int8', 'int4'];
