/** Hands a file to the browser's downloads under a name. */
export function saveFile(file: Blob, fileName: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  // The download reads the address after the click returns; a minute is long enough for it to have been opened.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
