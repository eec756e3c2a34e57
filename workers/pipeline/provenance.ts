/**
 * What a result says about itself in its metadata: that its picture was generated in part, and by which recipe. A file's description and
 * comment, where players and ffprobe show them.
 */

import type { FileTags } from '../media/mux.ts';
import { recipeText } from '../plan/recipe-code.ts';
import type { Settings } from '../plan/settings.ts';

/** IPTC's term for media that is filmed in part and generated in part. */
const SOURCE_TYPE = 'http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia';

export function provenanceTags(settings: Settings): FileTags {
  return {
    description:
      `Enhanced with Venhancer. The picture was generated in part by a model (${settings.model}): detail in it may never have been filmed. ` +
      `Sound unchanged. ${SOURCE_TYPE}`,
    comment: recipeText(settings),
  };
}
