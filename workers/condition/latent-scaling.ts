/** Latent scaling, outside the graphs: z = (raw − shift)·scale per channel, and back. Frames are [channels, height, width]. */

export interface LatentScaling {
  readonly shift: readonly number[];
  readonly scale: readonly number[];
}

/** Raw latents of the encoder, one or more frames [F, channels, …] → scaled, in place. */
export function scaleLatents(
  latents: Float32Array,
  channels: number,
  plane: number,
  { shift, scale }: LatentScaling,
): void {
  for (let at = 0, c = 0; at < latents.length; at += plane, c = (c + 1) % channels) {
    const a = scale[c]!;
    const b = -shift[c]! * a;
    for (let i = at; i < at + plane; i++) latents[i] = latents[i]! * a + b;
  }
}

/** Scaled latents → the decoder's, in place: raw = z/scale + shift. */
export function unscaleLatents(
  latents: Float32Array,
  channels: number,
  plane: number,
  { shift, scale }: LatentScaling,
): void {
  for (let at = 0, c = 0; at < latents.length; at += plane, c = (c + 1) % channels) {
    const a = 1 / scale[c]!;
    const b = shift[c]!;
    for (let i = at; i < at + plane; i++) latents[i] = latents[i]! * a + b;
  }
}
