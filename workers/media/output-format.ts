/** What a person may choose of the output file. */

export type OutputCodec = 'auto' | 'h264' | 'hevc' | 'av1' | 'vp9';
export type Quality = 'small' | 'balanced' | 'high';
