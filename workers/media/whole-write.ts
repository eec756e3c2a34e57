/**
 * A write to a sync access handle of the origin private file system that is there whole or throws.
 *
 * Chromium returns the number of an error as if it were a count of bytes (crbug.com/541725401: 4294967288, no space), and a full disk may
 * take a part. Nothing costs as much as not looking: a journal with holes, a result that ends in the middle.
 */

/** @returns the bytes written, all of them. @throws DOMException `QuotaExceededError` where there was no room, or what the browser throws. */
export function writeWhole(
  file: Pick<FileSystemSyncAccessHandle, 'write'>,
  data: AllowSharedBufferSource,
  at: number,
): number {
  const written = file.write(data, { at });
  if (written !== data.byteLength) {
    throw new DOMException(`${written} of ${data.byteLength} bytes were written.`, 'QuotaExceededError');
  }
  return written;
}
