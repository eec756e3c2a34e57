/**
 * What to do about a failure in the middle of a job: begin again on a new device, with smaller tiles where memory ran out, with the encoder
 * started anew or another one, or give up.
 *
 * Pure. Tiles may change between evaluations: states are of whole frames. Windows may not: states are of theirs.
 */

import { EnhancerError } from '../errors.ts';
import type { JobPlan, ModelInfo, Tile } from '../plan/job-plan.ts';
import { chooseGrid, LEAST_TILE, layTiles, tileStyle } from '../plan/tiles.ts';

/** A device that is lost this often without an evaluation's progress will not come back. */
const MAX_FRUITLESS = 3;
/** Encoders to try for one window: the same again, then others. */
const MAX_ENCODERS = 5;

export interface Recovery {
  /** Null where they stay. */
  readonly tiles: readonly Tile[] | null;
  /** Whether the job needs a new device. */
  readonly renew: boolean;
  /** Another encoder than the one that failed; the same, started anew, where false. */
  readonly otherEncoder: boolean;
  /** Said in the report; null where nothing failed that a person need know of. */
  readonly notice: string | null;
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
    this.#fruitless = progress === this.#progressAt ? this.#fruitless + 1 : 1;
    this.#progressAt = progress;
    if (code === 'OUT_OF_GPU_MEMORY') return fewerPixels(plan, model);
    const stays = { tiles: null, renew: false, otherEncoder: false };
    if (deviceLost || code === 'DEVICE_LOST') {
      if (this.#fruitless > MAX_FRUITLESS) return null;
      return { ...stays, renew: true, notice: 'The GPU stopped responding once; the job went on from where it was.' };
    }
    // Encoders and decoders live in the GPU's process and die with it; a second failure at the same place is their own.
    if (code === 'DECODE_FAILED' && this.#fruitless === 1) {
      if (isTakenBack(error)) return { ...stays, notice: null };
      return { ...stays, notice: 'Decoding failed once; the job went on from where it was.' };
    }
    if (code === 'ENCODE_FAILED' && this.#fruitless <= MAX_ENCODERS) {
      if (this.#fruitless === 1 && isTakenBack(error)) return { ...stays, notice: null };
      if (this.#fruitless === 1) return { ...stays, notice: 'Encoding failed once; the pictures were encoded again.' };
      return { ...stays, otherEncoder: true, notice: 'The encoder failed; the job went on with another.' };
    }
    return null;
  }
}

/** Browsers take codecs back that stand idle, as in a long pause, and say so by this name (WebCodecs, "Resource reclamation"). */
function isTakenBack(error: unknown): boolean {
  const cause = error instanceof EnhancerError ? error.cause : error;
  return cause instanceof DOMException && cause.name === 'QuotaExceededError';
}

function fewerPixels(plan: JobPlan, model: ModelInfo): Recovery | null {
  const tiles = smallerTiles(plan, model);
  if (!tiles) return null;
  const before = `${plan.tiles.length} ${plan.tiles.length === 1 ? 'tile' : 'tiles'}`;
  const notice = `Memory ran out with ${before}; it went on with ${tiles.length}.`;
  return { tiles, renew: true, otherEncoder: false, notice };
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
    tileStyle(model),
    (tileWidth, tileHeight) => tileWidth * tileHeight <= (width * height) / 2,
  );
  return grid && layTiles(latentWidth, latentHeight, grid);
}
