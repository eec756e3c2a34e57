/**
 * The wavefront's state on disk, in two files written in turn: whichever moment a write is cut short, the other is whole.
 *
 * Costs (evaluations·stride + overlap) frames of latents a file (docs/reliability.md), and the time to write one now and then: {@link SHARE}
 * of the job's, more where a whole window's work would else be lost. Work since the last one is done again after a kill.
 */

import type { WavefrontFrame, WavefrontState } from '../denoise/wavefront.ts';
import type { ByteFile } from './byte-file.ts';
import { RecordLog } from './record-log.ts';

/** Of a job's time, at most this goes into writing states more often than once a window. */
const SHARE = 0.05;
/** The one of each window may cost this much. */
const WINDOW_SHARE = 0.25;

interface SlotHead<Extra> {
  readonly sequence: number;
  readonly taken: number;
  readonly done: readonly number[];
  readonly frameSize: number;
  readonly frames: readonly { readonly frame: number; readonly saved: boolean; readonly x0: boolean }[];
  readonly extra: Extra;
}

/** @typeParam Extra plain data that is kept with a state. */
export class StateSlots<Extra> {
  readonly #slots: readonly RecordLog<SlotHead<Extra>>[];
  #sequence = 0;
  #writtenAt = Number.NEGATIVE_INFINITY;
  #costMs = 0;

  constructor(files: readonly [ByteFile, ByteFile]) {
    this.#slots = files.map((file) => RecordLog.open<SlotHead<Extra>>(file));
    for (const { records } of this.#slots) this.#sequence = Math.max(this.#sequence, records[0]?.head.sequence ?? 0);
  }

  /**
   * Whether writing one now keeps within its share of the time.
   * @param windowAtRisk whether a window's work has been done since the last.
   */
  due(windowAtRisk: boolean): boolean {
    const share = windowAtRisk ? WINDOW_SHARE : SHARE;
    return performance.now() - this.#writtenAt >= this.#costMs / share;
  }

  /** @returns its bytes. @throws EnhancerError `QUOTA_EXCEEDED`, `STORAGE_FAILED`; the state before it is then still there. */
  write(state: WavefrontState, extra: Extra): number {
    const start = performance.now();
    const sequence = this.#sequence + 1;
    const head: SlotHead<Extra> = {
      sequence,
      taken: state.taken,
      done: state.done,
      frameSize: state.frames[0]?.x.length ?? 0,
      frames: state.frames.map(({ frame, saved, x0 }) => ({ frame, saved: saved !== null, x0: x0 !== null })),
      extra,
    };
    const body = state.frames.flatMap(({ x, saved, x0 }) => [x, saved, x0].filter((each) => each !== null));
    const { bodyBytes } = this.#slots[sequence % 2]!.replace(
      head,
      body.map((values) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
    );
    this.#sequence = sequence;
    this.#writtenAt = performance.now();
    this.#costMs = this.#writtenAt - start;
    return bodyBytes;
  }

  /** What is kept with the newest whole state, without reading that. */
  get extra(): Extra | null {
    return this.#newest.records[0]?.head.extra ?? null;
  }

  /** The newest whole state; null where there is none. */
  read(): { readonly state: WavefrontState; readonly extra: Extra } | null {
    const newest = this.#newest;
    const record = newest.records[0];
    if (!record) return null;
    const { taken, done, frameSize, frames, extra } = record.head;
    let offset = 0;
    const next = (): Float32Array => {
      const bytes = new Uint8Array(frameSize * 4);
      newest.read(record, offset, bytes);
      offset += bytes.byteLength;
      return new Float32Array(bytes.buffer);
    };
    const read = frames.map(({ frame, saved, x0 }): WavefrontFrame => {
      const x = next();
      return { frame, x, saved: saved ? next() : null, x0: x0 ? next() : null };
    });
    return { state: { taken, done, frames: read }, extra };
  }

  get #newest(): RecordLog<SlotHead<Extra>> {
    return [...this.#slots].sort((a, b) => sequenceOf(b) - sequenceOf(a))[0]!;
  }

  get bytes(): number {
    return this.#slots.reduce((sum, slot) => sum + slot.bytes, 0);
  }

  close(): void {
    for (const slot of this.#slots) slot.close();
  }
}

function sequenceOf<Extra>({ records }: RecordLog<SlotHead<Extra>>): number {
  return records[0]?.head.sequence ?? 0;
}
