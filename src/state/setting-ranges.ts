/** What each numeric field of the recipe accepts on the page. The engine checks again; this is for the controls. */

export interface SettingRange {
  readonly min: number;
  readonly max: number;
  /** Step of the slider and of the arrow keys; typed values may lie between. */
  readonly step: number;
  readonly whole: boolean;
}

export const SETTING_RANGES = {
  scale: { min: 1, max: 8, step: 0.1, whole: false },
  frameRateFactor: { min: 1, max: 8, step: 1, whole: true },
  strength: { min: 0, max: 1, step: 0.05, whole: false },
  steps: { min: 1, max: 50, step: 1, whole: true },
  seed: { min: 0, max: 4_294_967_295, step: 1, whole: true },
} as const satisfies Record<string, SettingRange>;

/** The number that was typed, or null while it is empty, not a number, or outside the range. */
export function parseInRange(text: string, range: SettingRange): number | null {
  const value = parseNumber(text);
  if (value === null || value < range.min || value > range.max) return null;
  if (range.whole && !Number.isInteger(value)) return null;
  return value;
}

/** The nearest allowed number to what was typed, or null where nothing was. */
export function nearestInRange(text: string, range: SettingRange): number | null {
  const value = parseNumber(text);
  if (value === null) return null;
  const clamped = Math.min(range.max, Math.max(range.min, value));
  return range.whole ? Math.round(clamped) : clamped;
}

function parseNumber(text: string): number | null {
  const trimmed = text.trim().replace(',', '.');
  if (trimmed === '') return null;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : null;
}
