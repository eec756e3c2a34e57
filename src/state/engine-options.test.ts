import { describe, expect, it } from 'vitest';
import { engineOptionsFromUrl } from './engine-options.ts';

const parse = (address: string) => engineOptionsFromUrl(new URL(address));

describe('engineOptionsFromUrl', () => {
  it('chooses by itself when the address says nothing', () => {
    expect(parse('http://localhost:4173/')).toEqual({
      provider: 'auto',
      memoryBudgetBytes: null,
      modelsUrl: 'http://localhost:4173/models/',
    });
  });

  it('reads the provider and the budget in megabytes', () => {
    const options = parse('http://localhost:4173/?provider=wasm&budget=64.5');
    expect(options.provider).toBe('wasm');
    expect(options.memoryBudgetBytes).toBe(64_500_000);
  });

  it.each(['provider=cuda', 'provider=', 'provider=WASM'])('ignores %s', (query) => {
    expect(parse(`http://localhost/?${query}`).provider).toBe('auto');
  });

  it.each(['budget=', 'budget=0', 'budget=-5', 'budget=lots', 'budget=Infinity'])('ignores %s', (query) => {
    expect(parse(`http://localhost/?${query}`).memoryBudgetBytes).toBeNull();
  });

  it('finds the models beside a page that lies in a folder, whatever its query and fragment', () => {
    expect(parse('https://host/tools/index.html?provider=webgpu#x').modelsUrl).toBe('https://host/tools/models/');
  });
});
