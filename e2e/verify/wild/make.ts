/** Makes the clips of `all.ts` in a folder; those that are there already stay. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WILD } from './all.ts';
import type { Wild } from './recipe.ts';

/** A folder of its own for each version of the list. */
export function wildFolder(): string {
  const version = createHash('sha256')
    .update(JSON.stringify(WILD, (_, part) => (typeof part === 'function' ? String(part) : part)))
    .digest('hex')
    .slice(0, 12);
  return join('.cache', 'wild-clips', version);
}

/** @returns the clip's bytes. @throws Error with ffmpeg's words. */
export function made(name: string, folder: string): Buffer {
  const path = join(folder, name);
  if (existsSync(path)) return readFileSync(path);
  mkdirSync(folder, { recursive: true });
  const clip = WILD.find((each) => each.name === name);
  if (!clip) throw new Error(`no clip is called ${name}`);
  if (clip.bytes) writeFileSync(path, clip.bytes(clip.from ? made(clip.from, folder) : Buffer.alloc(0)));
  else
    execFileSync('ffmpeg', ['-v', 'error', '-y', ...ffmpegArguments(clip, folder), path], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  return readFileSync(path);
}

const ASIDE: Readonly<Record<string, string>> = {
  'lines.srt': '1\n00:00:00,000 --> 00:00:00,400\nA line <b>in bold</b>\n',
  'chapters.txt':
    ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=250\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=250\nEND=500\ntitle=Two\n',
};

function ffmpegArguments({ ffmpeg = '' }: Wild, folder: string): string[] {
  return ffmpeg.split(' ').map((argument) => {
    if (!argument.startsWith('%')) return argument;
    const name = argument.slice(1);
    if (Object.hasOwn(ASIDE, name)) writeFileSync(join(folder, name), ASIDE[name]!);
    else made(name, folder);
    return join(folder, name);
  });
}
