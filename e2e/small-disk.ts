/** A disk so small that it can be filled, for a browser's profile. Linux alone, and only where one may mount: a container's root may. */

import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Often enough that nothing the browser gives up of its own leaves room for a file. */
const REFILL_MS = 20;
const LARGE = Buffer.alloc(2 ** 20, 1);
const PAGE = LARGE.subarray(0, 4096);

export class SmallDisk {
  readonly path: string;
  readonly #ballast: string;
  #refill: NodeJS.Timeout | null = null;

  private constructor(path: string) {
    this.path = path;
    this.#ballast = join(path, 'ballast');
  }

  /** @returns null where mounting is not allowed. */
  static mount(bytes: number): SmallDisk | null {
    const path = mkdtempSync(join(tmpdir(), 'venhancer-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path], { stdio: 'ignore' });
      return new SmallDisk(path);
    } catch {
      rmSync(path, { recursive: true });
      return null;
    }
  }

  /** To the last page, and keeps it so. */
  fill(): void {
    this.#write();
    this.#refill = setInterval(() => this.#write(), REFILL_MS);
  }

  free(): void {
    if (this.#refill) clearInterval(this.#refill);
    this.#refill = null;
    rmSync(this.#ballast, { force: true });
  }

  /** After the last process that has a file on it. */
  dispose(): void {
    this.free();
    execFileSync('umount', ['--lazy', this.path]);
    rmSync(this.path, { recursive: true, force: true });
  }

  #write(): void {
    const file = openSync(this.#ballast, 'a');
    try {
      for (const chunk of [LARGE, PAGE]) while (hasWritten(file, chunk));
    } finally {
      closeSync(file);
    }
  }
}

/** Whole: what is written of a part stays too. */
function hasWritten(file: number, chunk: Buffer): boolean {
  try {
    return writeSync(file, chunk) === chunk.length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}
