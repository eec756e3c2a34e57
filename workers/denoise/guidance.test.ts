import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { f32, parseVectors } from './fixtures/safetensors.ts';
import { guide } from './guidance.ts';
import { noiseLevel } from './schedule.ts';

const vectors = parseVectors(readFileSync(new URL('./fixtures/cfg_diffuse.safetensors', import.meta.url)));
const BATCH = 2;

describe('guidance', () => {
  test.each([
    ['x0_g1.0_r0.2', 1, 0.2],
    ['x0_g3.0_r0.7', 3, 0.7],
    ['x0_g7.5_r0.2', 7.5, 0.2],
    ['x0_g7.5_r1.0', 7.5, 1],
    ['x0_g7.5_rNone', 7.5, 0],
  ])('%s is the reference’s x0', (name, scale, rescale) => {
    const expected = f32(vectors, name);
    const count = expected.length / BATCH;
    for (let b = 0; b < BATCH; b++) {
      const item = (key: string) => f32(vectors, key).slice(b * count, (b + 1) * count);
      const velocity = item('y_out');
      guide([velocity], [item('u_out')], scale, rescale);
      const x = item('xt');
      const { alpha, sigma } = noiseLevel(vectors.get('t')!.data[b]!);
      for (let i = 0; i < count; i++) {
        expect(Math.abs(alpha * x[i]! - sigma * velocity[i]! - expected[b * count + i]!)).toBeLessThan(2e-5);
      }
    }
  });

  test('the forward diffusion at every recorded timestep, and −1 as it wraps in the reference', () => {
    const x0 = f32(vectors, 'diffuse_x0');
    const noise = f32(vectors, 'diffuse_noise');
    for (const t of [0, 49, 199, 249, 299, 899, 999, -1]) {
      const { alpha, sigma } = noiseLevel(t === -1 ? 999 : t);
      const expected = f32(vectors, `diffuse_t${t}`);
      for (let i = 0; i < x0.length; i++) {
        expect(Math.abs(alpha * x0[i]! + sigma * noise[i]! - expected[i]!)).toBeLessThan(1e-5);
      }
    }
  });
});
