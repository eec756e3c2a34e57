/** The texts that the reference conditions on (SPEC §2.4 item 10). */

export const DEFAULT_PROMPT = 'a good video';

/** Runs of spaces are the reference's. */
const POSITIVE_SUFFIX =
  'Cinematic, High Contrast, highly detailed, taken using a Canon EOS R camera, ' +
  '  hyper detailed photo - realistic maximum detail, 32k, Color Grading, ultra HD, ' +
  'extreme meticulous detailing,  skin pore detailing, hyper sharpness, perfect without deformations.';

/** Stands where an empty text would, for guidance. */
export const NEGATIVE_PROMPT =
  'painting, oil painting, illustration, drawing, art, sketch, oil painting, cartoon, CG Style, ' +
  '3D render, unreal engine, blurring, dirty, messy, worst quality, low quality, frames, watermark, ' +
  'signature, jpeg artifacts, deformed, lowres, over-smooth';

/** What is encoded for a prompt: the reference puts no separator before its suffix. */
export function captionOf(prompt: string): string {
  return (prompt.trim() === '' ? DEFAULT_PROMPT : prompt) + POSITIVE_SUFFIX;
}
