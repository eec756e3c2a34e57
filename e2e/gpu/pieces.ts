/** A network with its hungry steps in pieces, and its UNet in sections, against the same network whole, all on one provider. */

import { formulaValues } from '../../tools/formula-weights.ts';
import {
  CUT_NETWORK,
  cutNetworkCheckpoint,
  cutNetworkFeeds,
  PIECES,
} from '../../workers/models/fixtures/cut-network.ts';
import { graphFiles, relativeError } from '../../workers/models/fixtures/graph-files.ts';
import { specialised, type Variant } from '../../workers/models/specialise.ts';
import { type NetworkPart, networkGraph } from '../../workers/models/venhancer/architecture.ts';
import { levelSizes } from '../../workers/models/venhancer/network.ts';
import { unetSections } from '../../workers/models/venhancer/sections.ts';
import type { Provider } from '../../workers/plan/job-plan.ts';
import { Runtime } from '../../workers/runtime/runtime.ts';
import type { Tensor } from '../../workers/tensor.ts';

/** Largest differences over max(1, rms of the whole). */
export interface PiecesFigures {
  readonly kind: 'pieces';
  readonly provider: Provider;
  readonly rms: number;
  readonly residuals: number;
  readonly inPieces: number;
  readonly inSections: number;
}

type Tensors = Record<string, Tensor>;

export async function piecesAgainstWhole(provider: Provider): Promise<PiecesFigures> {
  const runtime = await Runtime.open(provider);
  const checkpoint = cutNetworkCheckpoint(formulaValues);
  const inputs = cutNetworkFeeds();
  const [frames, , height, width] = inputs.sample!.dims as [number, number, number, number];
  const dimensions = levelSizes(CUT_NETWORK, frames, height, width) as Record<string, number>;

  const run = async (part: NetworkPart, given: Tensors, variant: Variant = {}): Promise<Tensors> => {
    const { model, externalData } = await graphFiles(networkGraph(CUT_NETWORK, part), checkpoint);
    const graph = variant.chunks ? specialised(CUT_NETWORK, part, model, variant).graph : model;
    const data = externalData.map(({ path: name, data: bytes }) => ({ name, bytes }));
    const session = await runtime.createSession({ graph, data }, { dimensions, refuseCpuNodes: provider === 'webgpu' });
    try {
      return await session.run(given);
    } finally {
      await session.release();
    }
  };

  const chunks = PIECES;
  const whole = await run('controlnet', inputs);
  const { velocity: expected } = await run('unet', { ...inputs, ...whole });
  const residuals = await run('controlnet', inputs, { chunks });
  const { velocity: inPieces } = await run('unet', { ...inputs, ...residuals }, { chunks });
  let passed: Tensors = { ...inputs, ...residuals };
  for (const section of unetSections(CUT_NETWORK)) {
    passed = { ...passed, ...(await run('unet', passed, { chunks, section })) };
  }
  const values = expected!.data;
  const errors = Object.entries(whole).map(([name, { data }]) => relativeError(data, residuals[name]!.data));
  return {
    kind: 'pieces',
    provider: runtime.provider,
    rms: Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length),
    residuals: Math.max(...errors),
    inPieces: relativeError(values, inPieces!.data),
    inSections: relativeError(values, passed.velocity!.data),
  };
}
