/**
 * Reads PyTorch checkpoints (`.pt`, `.pth`, `.bin`, `.ckpt` of torch 1.6 and later): a zip of one pickle and a raw entry per storage.
 *
 * Opening costs the archive's directory and the pickle (half a megabyte at the official size); a tensor's bytes are read when
 * asked for. The pickle is read by a machine that can execute nothing (pickle.ts). Views that share a storage, offsets and
 * strides are followed. Limits: no TorchScript, no sparse or quantised tensors. Runs anywhere.
 */

import { type ByteSource, type Checkpoint, invalidCheckpoint, itemsOf } from './checkpoint.ts';
import { type PickleValue, readPickle } from './pickle.ts';
import { endOf, TorchTensor, torchWorld } from './torch-tensors.ts';
import { decodeValues, swapped } from './values.ts';
import { shown, ZipArchive, type ZipEntry } from './zip-archive.ts';

const PICKLE_BYTES_LIMIT = 32_000_000;
/** A view may be read with this many times its own size around it. */
const SPREAD_LIMIT = 8;

/** @throws EnhancerError `CHECKPOINT_INVALID` for anything that is not a whole checkpoint of plain tensors. */
export async function openPyTorch(source: ByteSource): Promise<Checkpoint> {
  const archive = await ZipArchive.open(source);
  const pickle = pickleEntry(archive);
  const folder = pickle.name.slice(0, -'data.pkl'.length);
  if (archive.entry(`${folder}constants.pkl`) !== undefined) {
    throw invalidCheckpoint('The checkpoint is a TorchScript program, not a list of tensors.', {
      hint: "Save the model's state_dict() with torch.save, and choose that file.",
    });
  }
  if (pickle.bytes > PICKLE_BYTES_LIMIT) {
    throw invalidCheckpoint(`The checkpoint's list of tensors has ${pickle.bytes} bytes, too many to be one.`);
  }
  const root = readPickle(await archive.read(pickle, 0, pickle.bytes), torchWorld());
  const tensors = tensorsOf(root);
  const bigEndian = await isBigEndian(archive, archive.entry(`${folder}byteorder`));
  const storageEntry = (tensor: TorchTensor) => archive.entry(`${folder}data/${tensor.storage.key}`);
  for (const [key, tensor] of tensors) requireStored(key, tensor, storageEntry(tensor));
  const find = (key: string): TorchTensor => {
    const found = tensors.get(key);
    if (found === undefined) throw invalidCheckpoint(`The checkpoint has no tensor ${shown(key)}.`);
    return found;
  };
  return {
    keys: () => [...tensors.keys()],
    has: (key) => tensors.has(key),
    shape: (key) => find(key).shape,
    type: (key) => find(key).format.type,
    read: async (key, part) => {
      const tensor = find(key);
      const { format } = tensor;
      const contiguous = isContiguous(tensor);
      const last = requireReadable(key, tensor);
      const [from, to] = contiguous ? itemsOf(last - tensor.offset, part) : [0, last - tensor.offset];
      const [offset, end] = [tensor.offset + from, tensor.offset + to];
      const entry = storageEntry(tensor)!;
      const bytes = await archive.read(entry, offset * format.itemBytes, end * format.itemBytes);
      const values = decodeValues(format.type, bigEndian ? swapped(bytes, format.itemBytes) : bytes);
      if (values === null) {
        throw invalidCheckpoint(
          `The checkpoint's tensor ${shown(key)} is of type ${format.name}, which cannot be a weight.`,
        );
      }
      if (contiguous) return values;
      const whole = gathered(tensor, values);
      return whole.subarray(...itemsOf(whole.length, part));
    },
  };
}

function pickleEntry(archive: ZipArchive): ZipEntry {
  const name = archive.names.find((each) => /^[^/]*\/data\.pkl$/.test(each)) ?? 'data.pkl';
  const entry = archive.entry(name);
  if (entry === undefined) {
    throw invalidCheckpoint('The file is a zip archive, but no PyTorch checkpoint.', {
      hint: 'Unpack it, and choose the checkpoint inside.',
    });
  }
  return entry;
}

async function isBigEndian(archive: ZipArchive, entry: ZipEntry | undefined): Promise<boolean> {
  if (entry === undefined) return false;
  const order = String.fromCharCode(...(await archive.read(entry, 0, Math.min(16, entry.bytes))));
  if (order !== 'little' && order !== 'big') {
    throw invalidCheckpoint(`The checkpoint's byte order is ${shown(order)}, which is none.`);
  }
  return order === 'big';
}

/** The state dict: under `state_dict`, or the file itself, or the one dict of tensors in it. What else lies there is let be. */
function tensorsOf(root: PickleValue): ReadonlyMap<string, TorchTensor> {
  if (!(root instanceof Map)) throw invalidCheckpoint('The checkpoint holds no dict of tensors.');
  const named = root.get('state_dict');
  if (named instanceof Map) return tensorsIn(named);
  const own = tensorsIn(root);
  if (own.size > 0) return own;
  const nested: [name: PickleValue, tensors: ReadonlyMap<string, TorchTensor>][] = [];
  for (const [name, value] of root) {
    if (!(value instanceof Map)) continue;
    const tensors = tensorsIn(value);
    if (tensors.size > 0) nested.push([name, tensors]);
    if (nested.length > 1) break;
  }
  if (nested.length > 1) {
    const names = nested.map(([name]) => shown(String(name))).join(' and ');
    throw invalidCheckpoint(`The checkpoint holds several lists of tensors (${names}, …).`, {
      hint: 'Save the one that is meant as a file of its own, and choose that.',
    });
  }
  return nested[0]?.[1] ?? own;
}

function tensorsIn(dict: ReadonlyMap<PickleValue, PickleValue>): ReadonlyMap<string, TorchTensor> {
  const tensors = new Map<string, TorchTensor>();
  for (const [key, value] of dict) {
    if (typeof key === 'string' && value instanceof TorchTensor) tensors.set(key, value);
  }
  return tensors;
}

function requireStored(key: string, tensor: TorchTensor, entry: ZipEntry | undefined): void {
  const { storage } = tensor;
  if (entry === undefined)
    throw invalidCheckpoint(`The checkpoint is incomplete: the data of ${shown(key)} is missing.`);
  const bytes = storage.items * storage.format.itemBytes;
  if (entry.bytes < bytes) {
    throw invalidCheckpoint(
      `The checkpoint is damaged: the data of ${shown(key)} has ${entry.bytes} bytes instead of ${bytes}.`,
    );
  }
}

/** One past the last item to read. @throws for views that repeat items or lie scattered over far more than their own. */
function requireReadable(key: string, tensor: TorchTensor): number {
  const count = tensor.shape.reduce((total, size) => total * size, 1);
  const end = endOf(tensor);
  const spread = end - tensor.offset;
  if (count > spread || spread > SPREAD_LIMIT * count) {
    throw invalidCheckpoint(`The checkpoint's tensor ${shown(key)} is an expanded or scattered view.`, {
      hint: 'Save it with contiguous() called on every tensor.',
    });
  }
  return end;
}

function isContiguous({ shape, strides }: TorchTensor): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    if (shape[axis] !== 1 && strides[axis] !== step) return false;
    step *= shape[axis]!;
  }
  return true;
}

/** A strided view's items in row-major order. */
function gathered({ shape, strides }: TorchTensor, span: Float32Array): Float32Array {
  const values = new Float32Array(shape.reduce((total, size) => total * size, 1));
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let at = 0; at < values.length; at += 1) {
    values[at] = span[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      index[axis]! += 1;
      from += strides[axis]!;
      if (index[axis]! < shape[axis]!) break;
      from -= shape[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return values;
}
