/** How to come by WebGPU in each browser; from the working group's table of implementations, 2026. The words are in `words.ts`. */

import { words } from '../words.ts';

export type Browser = 'Chrome' | 'Edge' | 'Firefox' | 'Safari';

export const WEBGPU_ADVICE: readonly { readonly browser: Browser; readonly steps: readonly string[] }[] = [
  { browser: 'Chrome', steps: words.device.advice.chrome },
  { browser: 'Edge', steps: words.device.advice.edge },
  { browser: 'Firefox', steps: words.device.advice.firefox },
  { browser: 'Safari', steps: words.device.advice.safari },
];

/** Only to order the advice: nothing else hangs on what a browser calls itself. */
export function browserHere(userAgent: string): Browser | null {
  if (/Edg\//.test(userAgent)) return 'Edge';
  if (/Firefox\//.test(userAgent)) return 'Firefox';
  if (/Chrom(e|ium)\//.test(userAgent)) return 'Chrome';
  return /Safari\//.test(userAgent) ? 'Safari' : null;
}
