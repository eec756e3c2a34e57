/**
 * Tiles over the latent plane: the fewest of one size that a budget allows, or those of the least work, spread evenly, with overlaps to ramp over. At most two
 * tiles meet along an axis at any place, so that ramps of neighbours complete each other (denoise/blend).
 */

import type { ModelInfo, Tile } from './job-plan.ts';

/** A side's latents must be ≡ remainder (mod modulus). */
export interface SideRule {
  readonly modulus: number;
  readonly remainder: number;
}

/** Latents that neighbours share at least: 64 pixels at factor 8. */
const TILE_OVERLAP = 8;
/** The same for a model that isn't of the reference's kind: its seams are no more seen then (docs/performance.md, "Borders"). */
const SMALL_TILE_OVERLAP = 4;
/** No tile is smaller than this where the plane is not: a network sees too little of the picture. */
export const LEAST_TILE = 16;

export interface TileGrid {
  readonly tileWidth: number;
  readonly tileHeight: number;
  readonly columns: number;
  readonly rows: number;
}

/** The smallest side of at least `least` that the rule allows. */
export function validSide(least: number, { modulus, remainder }: SideRule): number {
  const wanted = Math.max(1, Math.ceil(least));
  const rest = (((wanted - remainder) % modulus) + modulus) % modulus;
  return rest === 0 ? wanted : wanted + modulus - rest;
}

/** How tiles are laid for a model: the reference's kind sees the whole of one in its norms, so that few matter more to it than work. */
export interface TileStyle {
  readonly overlap: number;
  readonly few: boolean;
}

export const REFERENCE_TILES: TileStyle = { overlap: TILE_OVERLAP, few: true };

export function tileStyle({ prompted }: Pick<ModelInfo, 'prompted'>): TileStyle {
  return prompted ? REFERENCE_TILES : { overlap: SMALL_TILE_OVERLAP, few: false };
}

/**
 * Of the grids whose tiles' size `fits` the one with the fewest tiles, or the least work; null where none fits. `fits` must
 * not refuse a tile that is smaller in both sides than one it accepts.
 */
export function chooseGrid(
  latentWidth: number,
  latentHeight: number,
  widthRule: SideRule,
  heightRule: SideRule,
  leastTile: number,
  { overlap, few }: TileStyle,
  fits: (tileWidth: number, tileHeight: number) => boolean,
): TileGrid | null {
  const widths = sides(latentWidth, widthRule, leastTile, overlap);
  const heights = sides(latentHeight, heightRule, leastTile, overlap);
  const better = few ? fewer : lighter;
  let best: TileGrid | null = null;
  for (const { count: columns, side: tileWidth } of widths) {
    const row = firstThat(heights, ({ side }) => fits(tileWidth, side));
    if (row === null) continue;
    const grid = { tileWidth, tileHeight: row.side, columns, rows: row.count };
    if (best === null || better(grid, best)) best = grid;
  }
  return best;
}

/** The grid's tiles, row by row. */
export function layTiles(latentWidth: number, latentHeight: number, grid: TileGrid): Tile[] {
  const columns = spread(latentWidth, grid.tileWidth, grid.columns);
  const rows = spread(latentHeight, grid.tileHeight, grid.rows);
  return rows.flatMap((row) =>
    columns.map((column) => ({
      latentX: column.start,
      latentY: row.start,
      latentWidth: grid.tileWidth,
      latentHeight: grid.tileHeight,
      overlapLeft: column.before,
      overlapTop: row.before,
      overlapRight: column.after,
      overlapBottom: row.after,
    })),
  );
}

interface Side {
  readonly count: number;
  readonly side: number;
}

/** For every count of tiles along an axis, the smallest valid side that covers it with the overlap; sides fall as counts rise. */
function sides(length: number, rule: SideRule, leastTile: number, overlap: number): Side[] {
  const least = validSide(Math.max(leastTile, 2 * overlap), rule);
  const found: Side[] = [{ count: 1, side: length }];
  for (let count = 2, side = length; side > least; count++) {
    side = Math.max(least, validSide((length + (count - 1) * overlap) / count, rule));
    const stride = Math.floor((length - side) / (count - 1));
    const twoMeet = count === 2 || 2 * stride >= side;
    if (side < found.at(-1)!.side && twoMeet) found.push({ count, side });
  }
  return found;
}

function firstThat<T>(items: readonly T[], accepts: (item: T) => boolean): T | null {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (accepts(items[middle]!)) high = middle;
    else low = middle + 1;
  }
  return items[low] ?? null;
}

function tileCount({ columns, rows }: TileGrid): number {
  return columns * rows;
}

/** Latents of all tiles together. */
export function gridLatents(grid: TileGrid): number {
  return tileCount(grid) * grid.tileWidth * grid.tileHeight;
}

function fewer(a: TileGrid, b: TileGrid): boolean {
  return tileCount(a) === tileCount(b) ? gridLatents(a) < gridLatents(b) : tileCount(a) < tileCount(b);
}

function lighter(a: TileGrid, b: TileGrid): boolean {
  return gridLatents(a) === gridLatents(b) ? tileCount(a) < tileCount(b) : gridLatents(a) < gridLatents(b);
}

function spread(length: number, side: number, count: number): { start: number; before: number; after: number }[] {
  const starts = Array.from({ length: count }, (_, i) =>
    count === 1 ? 0 : Math.round((i * (length - side)) / (count - 1)),
  );
  return starts.map((start, i) => ({
    start,
    before: i === 0 ? 0 : starts[i - 1]! + side - start,
    after: i === count - 1 ? 0 : start + side - starts[i + 1]!,
  }));
}
