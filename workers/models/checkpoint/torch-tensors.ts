/**
 * What a state dict's pickle may name: PyTorch's storages and the functions that make a tensor of one.
 *
 * `torch.save` writes each tensor as a call of `_rebuild_tensor_v2` on a storage, which is a persistent id. Here those calls make a
 * description of the tensor; its bytes stay in the file. Runs anywhere.
 */

import type { CheckpointType } from './checkpoint.ts';
import {
  damagedPickle,
  type PickleConstructor,
  PickleName,
  PickleObject,
  PickleTuple,
  type PickleValue,
  type PickleWorld,
} from './pickle.ts';

const RANK_LIMIT = 16;

export interface ElementFormat {
  readonly type: CheckpointType;
  readonly itemBytes: number;
  /** As PyTorch calls it. */
  readonly name: string;
}

export class TorchStorage extends PickleObject {
  /** Its entry in the archive is `data/<key>`. */
  readonly key: string;
  readonly format: ElementFormat;
  readonly items: number;

  constructor(key: string, format: ElementFormat, items: number) {
    super();
    this.key = key;
    this.format = format;
    this.items = items;
  }
}

/** A view of a storage; offset and strides count items. */
export class TorchTensor extends PickleObject {
  readonly storage: TorchStorage;
  readonly format: ElementFormat;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: TorchStorage, format: ElementFormat, offset: number, shape: number[], strides: number[]) {
    super();
    this.storage = storage;
    this.format = format;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

const format = (name: string, itemBytes: number, type: CheckpointType = 'other'): ElementFormat => ({
  name,
  itemBytes,
  type,
});

const DTYPES: ReadonlyMap<string, ElementFormat> = new Map(
  [
    format('float64', 8, 'float64'),
    format('float32', 4, 'float32'),
    format('float16', 2, 'float16'),
    format('bfloat16', 2, 'bfloat16'),
    format('complex64', 8),
    format('complex128', 16),
    ...['int64', 'uint64'].map((name) => format(name, 8)),
    ...['int32', 'uint32'].map((name) => format(name, 4)),
    ...['int16', 'uint16'].map((name) => format(name, 2)),
    ...['int8', 'uint8', 'bool'].map((name) => format(name, 1)),
    ...['float8_e4m3fn', 'float8_e4m3fnuz', 'float8_e5m2', 'float8_e5m2fnuz'].map((name) => format(name, 1)),
  ].map((dtype) => [`torch.${dtype.name}`, dtype] as const),
);

const STORAGES: ReadonlyMap<string, ElementFormat> = new Map(
  Object.entries({
    DoubleStorage: 'float64',
    FloatStorage: 'float32',
    HalfStorage: 'float16',
    BFloat16Storage: 'bfloat16',
    ComplexFloatStorage: 'complex64',
    ComplexDoubleStorage: 'complex128',
    LongStorage: 'int64',
    IntStorage: 'int32',
    ShortStorage: 'int16',
    CharStorage: 'int8',
    ByteStorage: 'uint8',
    BoolStorage: 'bool',
    UntypedStorage: 'uint8',
    'storage.UntypedStorage': 'uint8',
  }).map(([name, dtype]) => [`torch.${name}`, DTYPES.get(`torch.${dtype}`)!] as const),
);

const CONSTRUCTORS: ReadonlyMap<string, PickleConstructor> = new Map<string, PickleConstructor>([
  ['collections.OrderedDict', orderedDict],
  ['torch._utils._rebuild_tensor', (args) => tensor(args)],
  ['torch._utils._rebuild_tensor_v2', (args) => tensor(args)],
  ['torch._utils._rebuild_tensor_v3', (args) => tensor(args, dtypeOf(args[6]))],
  ['torch._utils._rebuild_parameter', parameter],
  ['torch.nn.parameter.Parameter', parameter],
  ['torch.Size', (args) => args[0] ?? null],
]);

/** The names and persistent ids of one checkpoint. */
export function torchWorld(): PickleWorld {
  const storages = new Map<string, TorchStorage>();
  return {
    find: (name) => CONSTRUCTORS.get(name) ?? (DTYPES.has(name) || STORAGES.has(name) ? 'mention' : undefined),
    persistent: (id) => {
      const storage = storageOf(id);
      const known = storages.get(storage.key);
      if (known === undefined) {
        storages.set(storage.key, storage);
        return storage;
      }
      if (known.items !== storage.items || known.format !== storage.format) {
        throw damagedPickle('it describes one storage in two ways');
      }
      return known;
    },
  };
}

/** ('storage', kind, key, device, items) */
function storageOf(id: PickleValue): TorchStorage {
  const [tag, kind, key, , items] = id instanceof PickleTuple ? id.items : [];
  const known = kind instanceof PickleName ? STORAGES.get(kind.name) : undefined;
  if (tag !== 'storage' || known === undefined || typeof key !== 'string' || !isSize(items)) {
    throw damagedPickle('a storage is not described as PyTorch does');
  }
  return new TorchStorage(key, known, items);
}

/** Only ever made empty: its items follow one by one. */
function orderedDict(args: readonly PickleValue[]): PickleValue {
  if (args.length > 0) throw damagedPickle('a dict is made in a way that PyTorch does not use');
  return new Map();
}

/** (storage, offset, shape, strides, …) */
function tensor(args: readonly PickleValue[], format?: ElementFormat): TorchTensor {
  const [storage, offset] = args;
  const [shape, strides] = [args[2], args[3]].map(sizesOf);
  if (!(storage instanceof TorchStorage) || !isSize(offset) || !shape || !strides || shape.length !== strides.length) {
    throw damagedPickle('a tensor is not described as PyTorch does');
  }
  const made = new TorchTensor(storage, format ?? storage.format, offset, shape, strides);
  const end = endOf(made);
  const storageBytes = storage.items * storage.format.itemBytes;
  if (!Number.isSafeInteger(end * made.format.itemBytes) || end * made.format.itemBytes > storageBytes) {
    throw damagedPickle(`a tensor of shape [${shape}] lies beyond its storage of ${storage.items} items`);
  }
  return made;
}

function dtypeOf(value: PickleValue | undefined): ElementFormat {
  const dtype = value instanceof PickleName ? DTYPES.get(value.name) : undefined;
  if (dtype === undefined) throw damagedPickle('a tensor is of no known type');
  return dtype;
}

/** A parameter is its tensor. */
function parameter(args: readonly PickleValue[]): PickleValue {
  const [value] = args;
  if (!(value instanceof TorchTensor)) throw damagedPickle('a parameter is no tensor');
  return value;
}

/** One past the last item of the storage that a tensor reaches. */
export function endOf({ offset, shape, strides }: TorchTensor): number {
  if (shape.includes(0)) return offset;
  return shape.reduce((last, size, axis) => last + (size - 1) * strides[axis]!, offset) + 1;
}

function sizesOf(value: PickleValue | undefined): number[] | undefined {
  const sizes = value instanceof PickleTuple ? value.items : undefined;
  return sizes !== undefined && sizes.length <= RANK_LIMIT && sizes.every(isSize) ? [...sizes] : undefined;
}

function isSize(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
