/** After an error the first question is what is lost: the answer, by what went wrong and when. */

import type { ErrorCode } from '../../../workers/errors.ts';
import { words } from '../words.ts';

export type Occasion = keyof typeof words.failure.safeDuring;

export interface StillThere {
  readonly hasResults: boolean;
  /** Whether an interrupted job is offered. */
  readonly hasUnfinished: boolean;
}

export function whatIsSafe(code: ErrorCode, occasion: Occasion, { hasResults, hasUnfinished }: StillThere): string {
  const { safeDuring, safeCode, safeUnfinished, safe } = words.failure;
  const byCode = (safeCode as Partial<Record<ErrorCode, string>>)[code];
  const first = byCode ?? (occasion === 'enhance' && hasUnfinished ? safeUnfinished : safeDuring[occasion]);
  return hasResults ? `${first} ${safe}` : first;
}
