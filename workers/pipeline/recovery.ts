/**
 * What to do about a failure in the middle of a job: begin again on a new device, with smaller tiles where memory ran out, or give up.
 *
 * Pure. Tiles may change between evaluations: states are of whole frames. Windows may not: states are of theirs.
 */

import { EnhancerError } from '../errors.ts';
import type { JobPlan, ModelInfo, Tile } from '../plan/job-plan.ts';
import { chooseGrid, LEAST_TILE, layTiles } from '../plan/tiles.ts';

/** A device that is lost this often without an evaluation's progress will not come back. */
const MAX_FRUITLESS = 3;

export interface Recovery {
  /** Null where they stay. */
  readonly tiles: readonly Tile[] | null;
  /** Said in the report. */
  readonly notice: string;
}

export class RecoveryPolicy {
  #fruitless = 0;
  #progressAt = Number.NaN;

  /**
   * @param deviceLost whether the device is gone, whatever the error says.
   * @param progress a number that grows with the work done.
   * @returns null where nothing helps: the error stands.
   */
  decide(error: unknown, deviceLost: boolean, progress: number, plan: JobPlan, model: ModelInfo): Recovery | null {
    const code = error instanceof EnhancerError ? error.code : null;
    if (code === 'CANCELLED') return null;
    const outOfMemory = code === 'OUT_OF_GPU_MEMORY';
    if (!outOfMemory && !deviceLost && code !== 'DEVICE_LOST') return null;
    this.#fruitless = progress === this.#progressAt ? this.#fruitless + 1 : 1;
    this.#progressAt = progress;
    if (outOfMemory) {
      const tiles = smallerTiles(plan, model);
      if (!tiles) return null;
      return {
        tiles,
        notice: `Memory ran out with ${plan.tiles.length} ${plan.tiles.length === 1 ? 'tile' : 'tiles'}; it went on with ${tiles.length}.`,
      };
    }
    if (this.#fruitless > MAX_FRUITLESS) return null;
    return { tiles: null, notice: 'The GPU stopped responding once; the job went on from where it was.' };
  }
}

/** Tiles of at most half the area; null where they can't be smaller. */
export function smallerTiles({ latentWidth, latentHeight, tiles }: JobPlan, model: ModelInfo): Tile[] | null {
  const { latentWidth: width, latentHeight: height } = tiles[0]!;
  const grid = chooseGrid(
    latentWidth,
    latentHeight,
    model.latentWidthRule,
    model.latentHeightRule,
    LEAST_TILE,
    (tileWidth, tileHeight) => tileWidth * tileHeight <= (width * height) / 2,
  );
  return grid && layTiles(latentWidth, latentHeight, grid);
}
