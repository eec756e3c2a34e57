/** The pictures that a journal keeps, encoded as one group. Costs their encoding; the journal stays as it is. */

import type { EncoderChoice } from '../media/encoder-choice.ts';
import { type EncodedGroup, GroupEncoder } from '../media/group-encoder.ts';
import type { Journal } from './journal.ts';

/** @throws EnhancerError `ENCODE_FAILED`, `STORAGE_FAILED`, `CANCELLED`. */
export async function encodeKept<Extra>(
  choice: EncoderChoice,
  journal: Journal<Extra>,
  signal?: AbortSignal,
): Promise<EncodedGroup> {
  const encoder = new GroupEncoder(choice, signal);
  try {
    for (const picture of journal.keptPictures()) await encoder.encode(picture);
    return await encoder.finish();
  } finally {
    encoder.close();
  }
}
