/**
 * Symbolic sizes: a whole number times named symbols (`F`, `h`, `w`, and `h1`, `w1`, … at lower levels of a UNet).
 *
 * Enough to check shapes while a graph is built, to count its work and its live bytes for any clip, and no more: products
 * only, since a concatenation along a symbolic axis does not occur.
 */

export interface Dimension {
  readonly factor: number;
  /** Sorted; a symbol that occurs twice is squared. */
  readonly symbols: readonly string[];
}

export type Shape = readonly Dimension[];
export type SymbolSizes = { readonly [symbol: string]: number };

export function dimension(size: number | string | Dimension): Dimension {
  if (typeof size === 'number') return { factor: size, symbols: [] };
  return typeof size === 'string' ? { factor: 1, symbols: [size] } : size;
}

export function shapeOf(...sizes: readonly (number | string | Dimension)[]): Shape {
  return sizes.map(dimension);
}

export function product(sizes: readonly Dimension[]): Dimension {
  return {
    factor: sizes.reduce((factor, size) => factor * size.factor, 1),
    symbols: sizes.flatMap((size) => size.symbols).sort(),
  };
}

export function sameDimension(a: Dimension, b: Dimension): boolean {
  // Parts of a size are fractions, which multiply to almost the same.
  return Math.abs(a.factor - b.factor) <= 1e-9 * a.factor && a.symbols.join() === b.symbols.join();
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => sameDimension(size, b[axis]!));
}

/** @throws RangeError when a symbol has no size. */
export function sizeOf(size: Dimension, sizes: SymbolSizes): number {
  return size.symbols.reduce((total, symbol) => {
    const value = sizes[symbol];
    if (value === undefined) throw new RangeError(`no size for ${symbol}`);
    return total * value;
  }, size.factor);
}

/** The number, where the size is one. @throws RangeError when it is symbolic. */
export function fixedSize(size: Dimension | undefined): number {
  if (size === undefined || size.symbols.length > 0) throw new RangeError(`not a fixed size: ${size && text(size)}`);
  return size.factor;
}

export function text(size: Dimension): string {
  const symbols = size.symbols.join('*');
  if (symbols === '') return String(size.factor);
  return size.factor === 1 ? symbols : `${size.factor}*${symbols}`;
}

export function shapeText(shape: Shape): string {
  return `[${shape.map(text).join(', ')}]`;
}
