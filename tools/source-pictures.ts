/**
 * Source frames as the product makes them, for the trainer's evaluation: enlarged key frames, and between them what their motion says.
 *
 *   npx tsx tools/source-pictures.ts < REQUESTS > FRAMES
 *
 * A request is a line of JSON, { width, height, outWidth, outHeight, factor, keys: [0, 2, …] }, and the key frames in RGBA, in turn. An answer is
 * float32: [3, outHeight, outWidth] of every frame from the first key to the last, each followed by its mismatch, [outHeight/factor, outWidth/factor],
 * zero on key frames. Output sizes are whole latents. Ends with its input.
 */

import { stdin, stdout } from 'node:process';
import { type KeyFrame, SourcePictures } from '../workers/condition/source-pictures.ts';

interface Request {
  readonly width: number;
  readonly height: number;
  readonly outWidth: number;
  readonly outHeight: number;
  readonly factor: number;
  readonly keys: readonly number[];
}

function* answer(request: Request, pixels: Buffer): Generator<Float32Array> {
  const { width, height, outWidth, outHeight, factor, keys } = request;
  const worked = { width: outWidth, height: outHeight };
  const pictures = new SourcePictures({ source: { width, height }, worked, padded: worked, factor, part: null });
  const bytes = 4 * width * height;
  const frames = keys.map(
    (index, n): KeyFrame => ({ index, width, height, rgba: pixels.subarray(n * bytes, (n + 1) * bytes) }),
  );
  const agreed = new Float32Array((outWidth / factor) * (outHeight / factor));
  for (const [n, key] of frames.entries()) {
    yield pictures.key(key).picture;
    yield agreed;
    const next = frames[n + 1];
    for (let at = key.index + 1; next && at < next.index; at += 1) {
      const { picture, mismatch } = pictures.between(key, next, (at - key.index) / (next.index - key.index));
      yield picture;
      yield mismatch!;
    }
  }
}

let held: Buffer = Buffer.alloc(0);
for await (const piece of stdin) {
  held = Buffer.concat([held, piece]);
  for (;;) {
    const end = held.indexOf('\n');
    if (end < 0) break;
    const request: Request = JSON.parse(held.subarray(0, end).toString());
    const bytes = 4 * request.width * request.height * request.keys.length;
    if (held.length < end + 1 + bytes) break;
    for (const plane of answer(request, held.subarray(end + 1, end + 1 + bytes))) {
      const whole = Buffer.from(plane.buffer, plane.byteOffset, plane.byteLength);
      await new Promise<void>((resolve, reject) =>
        stdout.write(Buffer.from(whole), (error) => (error ? reject(error) : resolve())),
      );
    }
    held = held.subarray(end + 1 + bytes);
  }
}
