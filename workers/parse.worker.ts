/**
 * Entry of the worker that reads a clip's headers first: whatever in a damaged file could keep a parser busy forever keeps this one busy, and
 * the page ends it. Says that it is alive twice a second, and `read` at the end, whatever that was: the engine's own worker says what is wrong.
 */

import { openContainer } from './media/container.ts';

/** What it posts. */
export type ParseNews = 'alive' | 'read';

const ALIVE_EVERY_MS = 500;

const tell = (news: ParseNews): void => self.postMessage(news);

self.addEventListener('message', ({ data }: MessageEvent<File>) => {
  tell('alive');
  setInterval(() => tell('alive'), ALIVE_EVERY_MS);
  openContainer(data)
    .then((clip) => clip.close())
    // Coded or not, the engine meets it again.
    .catch(() => undefined)
    .finally(() => tell('read'));
});
