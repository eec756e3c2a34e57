/**
 * Which weights a written `.onnx` file refers to, as what they are stored and where: enough to build another graph over the same shards.
 *
 * Reads the few fields that model-file.ts writes. Costs one pass over the file. Runs anywhere.
 */

import { EnhancerError } from '../../errors.ts';
import type { Placement } from './model-file.ts';

export interface StoredWeight {
  /** onnx.proto's data type. */
  readonly dataType: number;
  readonly placement: Placement;
}

const GRAPH = 7;
const INITIALIZER = 5;
const DATA_TYPE = 2;
const NAME = 8;
const EXTERNAL_DATA = 13;

/** By initializer name; constants inside the file are left out. @throws EnhancerError `MODEL_CORRUPT` for bytes that are no such file. */
export function storedWeights(file: Uint8Array): ReadonlyMap<string, StoredWeight> {
  const found = new Map<string, StoredWeight>();
  for (const [field, value] of fieldsOf(file)) {
    if (field !== GRAPH || typeof value === 'number') continue;
    for (const [part, tensor] of fieldsOf(value)) {
      if (part !== INITIALIZER || typeof tensor === 'number') continue;
      const read = storedWeight(tensor);
      if (read) found.set(...read);
    }
  }
  return found;
}

function storedWeight(tensor: Uint8Array): readonly [string, StoredWeight] | null {
  let name = '';
  let dataType = 0;
  const entries = new Map<string, string>();
  for (const [field, value] of fieldsOf(tensor)) {
    if (field === DATA_TYPE && typeof value === 'number') dataType = value;
    else if (field === NAME && typeof value !== 'number') name = utf8.decode(value);
    else if (field === EXTERNAL_DATA && typeof value !== 'number') {
      const [key, text] = [...fieldsOf(value)].map(([, each]) => (typeof each === 'number' ? '' : utf8.decode(each)));
      entries.set(key ?? '', text ?? '');
    }
  }
  const location = entries.get('location');
  if (location === undefined) return null;
  const placement = { location, offset: Number(entries.get('offset')), bytes: Number(entries.get('length')) };
  return [name, { dataType, placement }];
}

const utf8 = new TextDecoder();

/** The fields of one message: numbers of varints, bytes of what has a length; fixed-width ones are passed over. */
function* fieldsOf(bytes: Uint8Array): Generator<readonly [field: number, value: number | Uint8Array]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at];
      if (byte === undefined || scale > 2 ** 63) throw corrupt();
      at += 1;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield [field, varint()];
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const end = varint() + at;
        if (end > bytes.length) throw corrupt();
        yield [field, bytes.subarray(at, end)];
        at = end;
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        throw corrupt();
    }
  }
}

function corrupt(): EnhancerError {
  return new EnhancerError(
    'MODEL_CORRUPT',
    'The model package is damaged: a graph cannot be read.',
    'Install the model again; the download may be incomplete.',
  );
}
