/**
 * The kinds of file that people's cameras, phones, editors, screen recorders and generators write, made by ffmpeg and, where it can't, by
 * changing bytes of what it made; and what has to become of each.
 *
 * Small (mostly 128×72, half a second): some two hundred are made and tried in minutes.
 */

import { CODECS } from './codecs.ts';
import { CONTAINERS } from './containers.ts';
import { DAMAGE } from './damage.ts';
import { FURTHER } from './further.ts';
import { PICTURE } from './picture.ts';
import type { Wild } from './recipe.ts';
import { TIME } from './time.ts';
import { TRACKS } from './tracks.ts';

export const WILD: readonly Wild[] = [...CONTAINERS, ...CODECS, ...TRACKS, ...TIME, ...PICTURE, ...FURTHER, ...DAMAGE];
