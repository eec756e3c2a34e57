/**
 * A pickle machine that executes nothing: it builds plain data from the opcodes that a saved state dict needs.
 *
 * A pickle is a program, and Python's own reader calls whatever it names. This one has no way to call anything: a name that
 * is not in the caller's list of constructors is refused by that name, an opcode it does not know by its number. Costs a few times
 * the pickle's size; operations are bounded, nothing recurses. Limits: protocols 2 to 5, binary opcodes. Runs anywhere.
 */

import { invalidCheckpoint } from './checkpoint.ts';
import { shown } from './zip-archive.ts';

/** Fourteen times what the official checkpoint has: PyTorch needs 32 a tensor. */
const OPERATIONS_LIMIT = 1_000_000;
const NAME_BYTES_LIMIT = 200;

/** What a pickle may hold: dicts are maps, lists are arrays. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | PickleTuple
  | PickleObject
  | PickleValue[]
  | Map<PickleValue, PickleValue>;

export class PickleTuple {
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** A named thing of Python's, or what a constructor made. */
export class PickleObject {}

/** A number too large to count with, such as a random generator's state. */
export class LargeInteger extends PickleObject {}

/** A constructor's own name, as `module.name`; `make` is absent for names that are only mentioned. */
export class PickleName extends PickleObject {
  readonly name: string;
  readonly make: PickleConstructor | undefined;

  constructor(name: string, make: PickleConstructor | undefined) {
    super();
    this.name = name;
    this.make = make;
  }
}

export type PickleConstructor = (args: readonly PickleValue[]) => PickleValue;

export interface PickleWorld {
  /** The name's constructor, `mention` for one that may only be mentioned, `undefined` for one to refuse. */
  readonly find: (name: string) => PickleConstructor | 'mention' | undefined;
  /** What a persistent id refers to: a checkpoint's storages. */
  readonly persistent: (id: PickleValue) => PickleValue;
}

/** @throws EnhancerError `CHECKPOINT_INVALID` for anything but a whole pickle of known opcodes and names. */
export function readPickle(bytes: Uint8Array, world: PickleWorld): PickleValue {
  return new PickleMachine(bytes, world).run();
}

export function damagedPickle(what: string) {
  return invalidCheckpoint(`The checkpoint's list of tensors is damaged: ${what}.`);
}

/** The stack's mark is no value that a pickle can otherwise make. */
const MARK = Symbol('mark');

class PickleMachine {
  readonly #bytes: Uint8Array;
  readonly #data: DataView;
  readonly #world: PickleWorld;
  readonly #memo = new Map<number, PickleValue>();
  readonly #names = new Map<string, PickleName>();
  readonly #text = new TextDecoder('utf-8', { fatal: false });
  #stack: (PickleValue | typeof MARK)[] = [];
  #at = 0;

  constructor(bytes: Uint8Array, world: PickleWorld) {
    this.#bytes = bytes;
    this.#data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#world = world;
  }

  run(): PickleValue {
    for (let operations = 0; operations < OPERATIONS_LIMIT; operations += 1) {
      const opcode = this.#number(1);
      if (opcode === 0x2e) return this.#result();
      this.#step(opcode);
    }
    throw damagedPickle(`it has more than ${OPERATIONS_LIMIT} operations`);
  }

  #result(): PickleValue {
    const result = this.#pop();
    if (this.#stack.length > 0) throw damagedPickle('it leaves things over');
    return result;
  }

  #step(opcode: number): void {
    switch (opcode) {
      case 0x80: // PROTO
        this.#number(1);
        break;
      case 0x95: // FRAME
        this.#number(8);
        break;
      case 0x28: // MARK
        this.#stack.push(MARK);
        break;
      case 0x30: // POP
        if (this.#stack.pop() === undefined) throw damagedPickle('its stack is empty');
        break;
      case 0x31: // POP_MARK
        this.#popToMark();
        break;
      case 0x32: // DUP
        this.#stack.push(this.#top());
        break;
      default:
        if (!this.#plainValue(opcode) && !this.#container(opcode)) this.#reference(opcode);
    }
  }

  /** Numbers, strings, constants. */
  #plainValue(opcode: number): boolean {
    switch (opcode) {
      case 0x4e: // NONE
        return this.#push(null);
      case 0x88: // NEWTRUE
        return this.#push(true);
      case 0x89: // NEWFALSE
        return this.#push(false);
      case 0x4b: // BININT1
        return this.#push(this.#number(1));
      case 0x4d: // BININT2
        return this.#push(this.#number(2));
      case 0x4a: // BININT
        return this.#push(this.#number(4) | 0);
      case 0x8a: // LONG1
        return this.#push(this.#long(this.#number(1)));
      case 0x8b: // LONG4
        return this.#push(this.#long(this.#number(4)));
      case 0x47: // BINFLOAT
        return this.#push(this.#data.getFloat64(this.#take(8), false));
      case 0x8c: // SHORT_BINUNICODE
      case 0x55: // SHORT_BINSTRING
        return this.#push(this.#string(this.#number(1)));
      case 0x58: // BINUNICODE
      case 0x54: // BINSTRING
        return this.#push(this.#string(this.#number(4)));
      case 0x8d: // BINUNICODE8
        return this.#push(this.#string(this.#number(8)));
      case 0x43: // SHORT_BINBYTES
        return this.#push(this.#slice(this.#number(1)));
      case 0x42: // BINBYTES
        return this.#push(this.#slice(this.#number(4)));
      case 0x8e: // BINBYTES8
        return this.#push(this.#slice(this.#number(8)));
      default:
        return false;
    }
  }

  #container(opcode: number): boolean {
    switch (opcode) {
      case 0x29: // EMPTY_TUPLE
        return this.#push(new PickleTuple([]));
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.#push(new PickleTuple(Array.from({ length: opcode - 0x84 }, () => this.#pop()).reverse()));
      case 0x74: // TUPLE
        return this.#push(new PickleTuple(this.#popToMark()));
      case 0x5d: // EMPTY_LIST
        return this.#push([]);
      case 0x6c: // LIST
        return this.#push(this.#popToMark());
      case 0x7d: // EMPTY_DICT
        return this.#push(new Map());
      case 0x64: // DICT
        return this.#push(filled(new Map(), this.#popToMark()));
      case 0x61: // APPEND
        return this.#append([this.#pop()]);
      case 0x65: // APPENDS
        return this.#append(this.#popToMark());
      case 0x73: {
        // SETITEM
        const value = this.#pop();
        return this.#setItems([this.#pop(), value]);
      }
      case 0x75: // SETITEMS
        return this.#setItems(this.#popToMark());
      default:
        return false;
    }
  }

  /** Memo, names, and what they make. */
  #reference(opcode: number): void {
    switch (opcode) {
      case 0x71: // BINPUT
        this.#memo.set(this.#number(1), this.#top());
        break;
      case 0x72: // LONG_BINPUT
        this.#memo.set(this.#number(4), this.#top());
        break;
      case 0x94: // MEMOIZE
        this.#memo.set(this.#memo.size, this.#top());
        break;
      case 0x68: // BINGET
        this.#push(this.#remembered(this.#number(1)));
        break;
      case 0x6a: // LONG_BINGET
        this.#push(this.#remembered(this.#number(4)));
        break;
      case 0x63: {
        // GLOBAL
        const module = this.#line();
        this.#push(this.#named(module, this.#line()));
        break;
      }
      case 0x93: {
        // STACK_GLOBAL
        const name = this.#pop();
        const module = this.#pop();
        if (typeof module !== 'string' || typeof name !== 'string') throw damagedPickle('a name is no text');
        this.#push(this.#named(module, name));
        break;
      }
      case 0x51: // BINPERSID
        this.#push(this.#world.persistent(this.#pop()));
        break;
      case 0x52: {
        // REDUCE
        const args = this.#pop();
        const callee = this.#pop();
        if (!(callee instanceof PickleName) || !(args instanceof PickleTuple))
          throw damagedPickle('a call has no name');
        if (callee.make === undefined) throw refusedName(callee.name);
        this.#push(callee.make(args.items));
        break;
      }
      case 0x62: // BUILD
        this.#build();
        break;
      default:
        throw invalidCheckpoint(
          `The checkpoint has the pickle opcode ${opcodeText(opcode)} at byte ${this.#at - 1}, which a list of tensors does not need.`,
          { hint: 'Save the state dict alone with torch.save or as safetensors, and choose that file.' },
        );
    }
  }

  /** Attributes of a dict (`_metadata` of a state dict) are of no use here; of anything else they are refused. */
  #build(): void {
    this.#pop();
    if (!(this.#top() instanceof Map)) throw damagedPickle('it sets attributes of something that has none');
  }

  #append(items: readonly PickleValue[]): true {
    const list = this.#top();
    if (!Array.isArray(list)) throw damagedPickle('it appends to what is no list');
    for (const item of items) list.push(item);
    return true;
  }

  #setItems(items: readonly PickleValue[]): true {
    const dict = this.#top();
    if (!(dict instanceof Map)) throw damagedPickle('it sets items of what is no dict');
    filled(dict, items);
    return true;
  }

  #named(module: string, name: string): PickleName {
    const full = `${module}.${name}`;
    const known = this.#names.get(full);
    if (known !== undefined) return known;
    const found = this.#world.find(full);
    if (found === undefined) throw refusedName(full);
    const made = new PickleName(full, found === 'mention' ? undefined : found);
    this.#names.set(full, made);
    return made;
  }

  #remembered(index: number): PickleValue {
    const value = this.#memo.get(index);
    if (value === undefined) throw damagedPickle('it refers to what it does not have');
    return value;
  }

  #push(value: PickleValue): true {
    this.#stack.push(value);
    return true;
  }

  #top(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) throw damagedPickle('its stack is empty');
    return value;
  }

  #pop(): PickleValue {
    const value = this.#top();
    this.#stack.pop();
    return value;
  }

  #popToMark(): PickleValue[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw damagedPickle('its stack has no mark');
    const items = this.#stack.splice(mark).slice(1) as PickleValue[];
    return items;
  }

  /** Where the next `size` bytes begin. */
  #take(size: number): number {
    if (!(size <= this.#bytes.length - this.#at)) throw damagedPickle('it ends too early');
    this.#at += size;
    return this.#at - size;
  }

  /** A little-endian number without sign. */
  #number(size: 1 | 2 | 4 | 8): number {
    const at = this.#take(size);
    if (size === 1) return this.#data.getUint8(at);
    if (size === 2) return this.#data.getUint16(at, true);
    if (size === 4) return this.#data.getUint32(at, true);
    return Number(this.#data.getBigUint64(at, true));
  }

  /** A little-endian integer with sign. */
  #long(size: number): PickleValue {
    const start = this.#take(size);
    if (size > 8) return new LargeInteger();
    let value = 0n;
    for (let i = size - 1; i >= 0; i -= 1) value = (value << 8n) | BigInt(this.#bytes[start + i]!);
    const signed = Number(BigInt.asIntN(8 * size, value));
    return Number.isSafeInteger(signed) ? signed : new LargeInteger();
  }

  #slice(size: number): Uint8Array {
    const start = this.#take(size);
    return this.#bytes.subarray(start, start + size);
  }

  #string(size: number): string {
    return this.#text.decode(this.#slice(size));
  }

  #line(): string {
    const limit = Math.min(this.#bytes.length, this.#at + NAME_BYTES_LIMIT);
    let end = this.#at;
    while (end < limit && this.#bytes[end] !== 0x0a) end += 1;
    if (end >= limit) throw damagedPickle('a name does not end');
    const line = this.#string(end - this.#at);
    this.#at += 1;
    return line;
  }
}

function filled(dict: Map<PickleValue, PickleValue>, items: readonly PickleValue[]): Map<PickleValue, PickleValue> {
  if (items.length % 2 !== 0) throw damagedPickle('a dict has a key without a value');
  for (let i = 0; i < items.length; i += 2) dict.set(items[i]!, items[i + 1]!);
  return dict;
}

function refusedName(name: string) {
  return invalidCheckpoint(
    `The checkpoint asks for ${shown(name)}, which a list of tensors does not need; nothing of it was run.`,
    {
      hint: 'If you trust the file, save its state dict alone with torch.save or as safetensors, and choose that file.',
    },
  );
}

function opcodeText(opcode: number): string {
  const character = opcode > 0x20 && opcode < 0x7f ? ` (${String.fromCharCode(opcode)})` : '';
  return `0x${opcode.toString(16).padStart(2, '0')}${character}`;
}
