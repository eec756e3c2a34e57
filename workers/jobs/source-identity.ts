/**
 * Knows a picked file again: its name, size, time and a hash of samples of its bytes.
 *
 * The hash covers 64 stretches of 64 KiB spread evenly, the first and the last bytes among them: the whole of a file up to 4 MiB, and
 * never more than that to read. Two takes of one camera differ in their heads and indexes; a deliberate forgery could pass.
 */

import { bytesOfBlob } from '../media/refusals.ts';

export interface SourceIdentity {
  readonly name: string;
  readonly bytes: number;
  readonly lastModified: number;
  /** SHA-256, lower-case hex. */
  readonly sampleHash: string;
}

const STRETCHES = 64;
const STRETCH_BYTES = 64 * 1024;

export async function identify(file: File): Promise<SourceIdentity> {
  const { name, size: bytes, lastModified } = file;
  const parts: Blob[] =
    bytes <= STRETCHES * STRETCH_BYTES
      ? [file]
      : Array.from({ length: STRETCHES }, (_, i) => {
          const start = Math.floor((i * (bytes - STRETCH_BYTES)) / (STRETCHES - 1));
          return file.slice(start, start + STRETCH_BYTES);
        });
  return { name, bytes, lastModified, sampleHash: await sha256Hex(await bytesOfBlob(new Blob(parts))) };
}

/** Whether it is the same clip, whatever it is called now. */
export function sameSource(a: SourceIdentity, b: SourceIdentity): boolean {
  return a.bytes === b.bytes && a.sampleHash === b.sampleHash;
}

export async function sha256Hex(data: BufferSource): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
