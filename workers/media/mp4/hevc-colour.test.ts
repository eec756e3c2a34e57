import { describe, expect, test } from 'vitest';
import { hevcColour } from './hevc-colour.ts';

const bytes = (hex: string) => Uint8Array.from(hex.match(/../g)!, (byte) => Number.parseInt(byte, 16));
const NOTHING = { primaries: null, transfer: null, matrix: null, fullRange: null };

/** An `hvcC` with a video parameter set of rubbish and this sequence parameter set. */
function record(sps: Uint8Array): Uint8Array {
  const units = (type: number, unit: Uint8Array) => [0x80 | type, 0, 1, unit.length >> 8, unit.length & 255, ...unit];
  return Uint8Array.from([...new Array(22).fill(1), 2, ...units(32, Uint8Array.of(64, 1, 2)), ...units(33, sps)]);
}

/** Bits as the standard writes them. */
class Bits {
  #bits = '';
  u(count: number, value: number): this {
    this.#bits += value.toString(2).padStart(count, '0');
    return this;
  }
  ue(...values: number[]): this {
    for (const value of values) {
      const code = (value + 1).toString(2);
      this.#bits += code.padStart(2 * code.length - 1, '0');
    }
    return this;
  }
  get unit(): Uint8Array {
    const payload = this.#bits.padEnd(Math.ceil(this.#bits.length / 8) * 8, '0').match(/.{8}/g)!;
    const protectedBytes: number[] = [0x42, 1];
    for (const each of payload) {
      const byte = Number.parseInt(each, 2);
      const [before, last] = protectedBytes.slice(-2);
      if (before === 0 && last === 0 && byte <= 3) protectedBytes.push(3);
      protectedBytes.push(byte);
    }
    return Uint8Array.from(protectedBytes);
  }
}

describe('colours in the sequence parameter set', () => {
  // x265's own, by what ffprobe says of them.
  test.each([
    [
      'BT.709, limited',
      '42010101600000030090000003000003001ea010206165959a4932bc05a80808082000000300200000030141',
      { primaries: 1, transfer: 1, matrix: 1, fullRange: false },
    ],
    [
      'BT.2020, PQ, 10 bits, B-frames',
      '42010102200000030090000003000003001ea0102061365999a4932bc05a848804820000030002000003001410',
      { primaries: 9, transfer: 16, matrix: 9, fullRange: false },
    ],
    [
      '4:4:4, full range, BT.601 by its matrix alone, scaling lists',
      '4201020408000003009e0800000300001e00009002040c2cb2b3159a49395e02dc08081410000003001000000300a080',
      { primaries: null, transfer: null, matrix: 5, fullRange: true },
    ],
    [
      'its range alone',
      '42010101600000030090000003000003001ea0102061659d8a924caf0168080000030008000003005040',
      { ...NOTHING, fullRange: false },
    ],
  ])('%s', (_, sps, expected) => {
    expect(hevcColour(record(bytes(sps)))).toEqual(expected);
  });

  test('behind sub-layers, scaling lists, reference sets told by differences, long-term pictures and PCM', () => {
    const sps = new Bits().u(4, 0).u(3, 2).u(1, 1).u(32, 0x01600000).u(32, 0x90000000).u(32, 0x0000001e);
    // One sub-layer with a profile, one with a level, and the alignment.
    sps.u(4, 0b1001).u(12, 0).u(32, 0).u(32, 0).u(24, 0).u(8, 90);
    sps.ue(0, 1, 128, 96).u(1, 1).ue(0, 0, 1, 1).ue(0, 0, 4).u(1, 1);
    for (let layer = 0; layer < 3; layer++) sps.ue(4, 2, 0);
    sps.ue(0, 3, 0, 3, 0, 0);
    // Scaling lists: the first of each size in full, the others copied.
    sps.u(2, 3);
    for (let size = 0; size < 4; size++) {
      for (let matrix = 0; matrix < (size === 3 ? 2 : 6); matrix++) {
        if (matrix > 0) {
          sps.u(1, 0).ue(0);
          continue;
        }
        sps.u(1, 1);
        if (size > 1) sps.ue(7);
        for (let i = 0; i < Math.min(64, 16 * 4 ** size); i++) sps.ue(i % 5);
      }
    }
    sps.u(2, 1).u(1, 1).u(8, 0x77).ue(0, 2).u(1, 0);
    // −1, −3, +2; then by a difference of −1: all but one kept; then by +1, in which one falls on the picture itself.
    sps.ue(3).ue(2, 1).ue(0).u(1, 1).ue(1).u(1, 1).ue(1).u(1, 0);
    sps.u(1, 1).u(1, 1).ue(0).u(1, 1).u(2, 0b01).u(2, 0b00).u(1, 1);
    // The set before has −2, −4, −1: three and its own.
    sps.u(1, 1).u(1, 0).ue(0).u(1, 1).u(1, 1).u(1, 1).u(2, 0b01);
    sps.u(1, 1).ue(2).u(8, 9).u(1, 1).u(8, 17).u(1, 0);
    sps.u(2, 3).u(1, 1);
    sps.u(1, 1).u(8, 255).u(32, 0x00040003).u(1, 0).u(1, 1).u(3, 5).u(1, 1).u(1, 1).u(8, 9).u(8, 14).u(8, 9);
    expect(hevcColour(record(sps.unit))).toEqual({ primaries: 9, transfer: 14, matrix: 9, fullRange: true });
  });

  test('cut anywhere, it never throws and never invents', () => {
    const whole = record(
      bytes('42010102200000030090000003000003001ea0102061365999a4932bc05a848804820000030002000003001410'),
    );
    for (let length = 0; length < whole.length; length++) {
      const said = hevcColour(whole.subarray(0, length));
      expect([JSON.stringify(NOTHING), JSON.stringify(hevcColour(whole))]).toContain(JSON.stringify(said));
    }
    for (const byte of [0, 0x21, 0xe1, 0xff]) expect(hevcColour(new Uint8Array(400).fill(byte))).toEqual(NOTHING);
  });
});
