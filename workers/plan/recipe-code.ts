/**
 * A recipe as one line of text, for the clipboard, for an address and for a file's metadata: `recipe=1&model=nano&scale=2&…`, readable,
 * without spaces. Every field is written, so that it means the same when defaults have changed. Pure.
 */

import { checkSettings } from './recipe.ts';
import { DEFAULT_SETTINGS, type Settings } from './settings.ts';

const VERSION = '1';
const NAMES: Readonly<Record<string, string>> = { frameRateFactor: 'frame-rate' };
/** What fields of few values may be. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  solver: ['ddim', 'dpmpp-2m-sde', 'heun'],
  colourFix: ['off', 'wavelet'],
  deflicker: ['on', 'off'],
  codec: ['auto', 'h264', 'hevc', 'av1', 'vp9'],
  quality: ['high', 'balanced', 'small'],
  stepPlan: ['normal', 'fast'],
  scaleCondition: ['released', 'factor'],
};

export function recipeText(settings: Settings): string {
  const fields = new URLSearchParams({ recipe: VERSION });
  for (const [key, value] of Object.entries(settings)) {
    if (key === 'range') {
      if (settings.range) fields.set('range', `${settings.range.startUs}-${settings.range.endUs}`);
    } else if (value !== '') {
      fields.set(nameOf(key), String(value));
    }
  }
  return fields.toString();
}

/**
 * The first recipe in a text: alone, in an address, or among other words. Fields that are absent are the defaults.
 * @returns null where there is none, or where a value is one that no job could have.
 */
export function parseRecipe(text: string): Settings | null {
  const found = /(?:^|[^\w-])(recipe=1(?:&[!-~]*)?)/.exec(text)?.[1];
  if (found === undefined) return null;
  const fields = new URLSearchParams(found.replace(/[).,;"'>\]]+$/, ''));
  const recipe: Record<string, unknown> = { ...DEFAULT_SETTINGS };
  for (const [key, standard] of Object.entries(DEFAULT_SETTINGS)) {
    const field = fields.get(nameOf(key));
    if (field === null) continue;
    const value = key === 'range' ? rangeOf(field) : typeof standard === 'number' ? numberOf(field) : field;
    if (value === null || CHOICES[key]?.includes(field) === false) return null;
    recipe[key] = value;
  }
  const settings = recipe as unknown as Settings;
  return /^[\w-]+$/.test(settings.model) && checkSettings(settings).length === 0 ? settings : null;
}

function nameOf(key: string): string {
  return NAMES[key] ?? key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function numberOf(text: string): number | null {
  const value = Number(text);
  return text.trim() === '' || !Number.isFinite(value) ? null : value;
}

function rangeOf(text: string): Settings['range'] {
  const match = /^(\d+)-(\d+)$/.exec(text);
  return match ? { startUs: Number(match[1]), endUs: Number(match[2]) } : null;
}
