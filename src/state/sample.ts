/** The sample clip, from the page's own origin. */

import { EnhancerError } from '../../workers/errors.ts';

/** @throws EnhancerError `INTERNAL` when it is not there, which a development server answers with a page. */
export async function fetchSample(url: string): Promise<File> {
  const unavailable = (cause: unknown): EnhancerError =>
    new EnhancerError('INTERNAL', 'The sample clip could not be loaded.', 'Choose a clip of your own instead.', {
      cause,
    });
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw unavailable(error);
  }
  const type = response.headers.get('content-type') ?? '';
  if (!response.ok || type.startsWith('text/html')) throw unavailable(`HTTP ${response.status} ${type}`);
  const name = new URL(url).pathname.split('/').at(-1) ?? 'sample.mp4';
  return new File([await response.blob()], name, { type: type === '' ? 'video/mp4' : type });
}
