/** Half-precision floats, by bits: Node 20 and older browsers have no Float16Array. */

const scratch = new ArrayBuffer(4);
const asFloat = new Float32Array(scratch);
const asBits = new Uint32Array(scratch);

let table: Float32Array | undefined;

function decodeTable(): Float32Array {
  if (table !== undefined) return table;
  table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits += 1) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) table[bits] = fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    else if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else table[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
}

export function fromHalf(bits: Uint16Array): Float32Array {
  const values = decodeTable();
  const floats = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i += 1) floats[i] = values[bits[i]!]!;
  return floats;
}

export function fromBfloat(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i += 1) words[i] = bits[i]! << 16;
  return new Float32Array(words.buffer);
}

/** To the nearest half, ties to even; beyond 65,519 becomes infinity. */
export function toHalf(values: Float32Array): Uint16Array {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i += 1) halves[i] = halfBits(values[i]!);
  return halves;
}

function halfBits(value: number): number {
  asFloat[0] = value;
  const bits = asBits[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Below 2^-14 halves are evenly spaced by 2^-24, and this product is exact in double precision.
    return sign | roundToEven(Math.abs(value) * 2 ** 24);
  }
  const rebased = magnitude - 0x38000000;
  return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest > 0.5 || (rest === 0.5 && floor % 2 === 1)) return floor + 1;
  return floor;
}
