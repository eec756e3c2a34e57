/** What the address forces on the engine: `?provider=wasm|webgpu` and `?budget=<MB>` (decimal megabytes). */

import type { EngineOptions } from '../../workers/protocol.ts';

export const BYTES_PER_MEGABYTE = 1_000_000;

/**
 * Values that make no sense are ignored rather than refused: an address is often pasted from elsewhere.
 * @param url the document's base address; the model packages lie in `models/` beside it.
 */
export function engineOptionsFromUrl(url: URL): EngineOptions {
  const provider = url.searchParams.get('provider');
  const budgetMegabytes = Number(url.searchParams.get('budget') ?? Number.NaN);
  return {
    provider: provider === 'wasm' || provider === 'webgpu' ? provider : 'auto',
    memoryBudgetBytes:
      Number.isFinite(budgetMegabytes) && budgetMegabytes > 0 ? Math.round(budgetMegabytes * BYTES_PER_MEGABYTE) : null,
    modelsUrl: new URL('models/', url).href,
  };
}
