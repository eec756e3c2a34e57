/**
 * Weights by formula (SPEC §6, Net B): a checkpoint of any size without a file.
 *
 * A hash of the key and the index gives a uniform u in −1…1: norms are 1 + 0.3u, biases 0.15u, matrices u·√3·0.8/√fan_in.
 */

/** Values [start, start + count) of a tensor in row-major order; all of them unless told otherwise. */
export function formulaValues(
  key: string,
  shape: readonly number[],
  start = 0,
  count = shape.reduce((total, size) => total * size, 1) - start,
): Float32Array {
  const fanIn = shape.slice(1).reduce((total, size) => total * size, 1);
  const seed = keyHash(key);
  const spread = key.endsWith('bias') ? 0.15 : shape.length === 1 ? 0.3 : (Math.sqrt(3) * 0.8) / Math.sqrt(fanIn);
  const middle = !key.endsWith('bias') && shape.length === 1 ? 1 : 0;
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 1) values[i] = middle + spread * uniform(start + i + seed);
  return values;
}

/** FNV-1a of the key's UTF-8. */
function keyHash(key: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(key)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** murmur3's finaliser. */
function uniform(index: number): number {
  let h = Math.imul(index, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 31 - 1;
}
