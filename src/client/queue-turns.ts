/**
 * Whose turn it is in the queue, and what a turn's end means for it. The page decides when to ask; the queue itself is the worker's.
 */

import { type ErrorCode, type ErrorData, toErrorData } from '../../workers/errors.ts';
import type { QueueChange, QueueEntry, QueueView } from '../../workers/protocol.ts';
import type { Job, QueueTurn } from './enhancer.ts';

/** Of the machine rather than the clip: the next clip would meet it too. The entry waits, and the queue is held. */
const HOLDING: ReadonlySet<ErrorCode> = new Set([
  'CANCELLED',
  'BUSY',
  'QUOTA_EXCEEDED',
  'STORAGE_FAILED',
  'DEVICE_LOST',
  'OUT_OF_GPU_MEMORY',
  'PROVIDER_UNAVAILABLE',
  'NO_WEBCODECS',
  'WORKER_FAILED',
]);

export interface QueueDesk {
  read(): Promise<QueueView>;
  change(change: QueueChange): Promise<QueueView>;
  /** The entry's clip without asking the person; null where it can't be had. */
  source(id: string): Promise<File | null>;
  begin(entry: QueueEntry, file: File): Job;
}

export class QueueTurns {
  readonly #desk: QueueDesk;
  /** Clips of this visit, by entry. */
  readonly #files = new Map<string, File>();

  constructor(desk: QueueDesk) {
    this.#desk = desk;
  }

  give(id: string, file: File): void {
    this.#files.set(id, file);
  }

  forget(id: string): void {
    this.#files.delete(id);
  }

  /** Null when none waits. Without `started` where those that wait have to be chosen again; the first of them is the entry. */
  async next(): Promise<QueueTurn | null> {
    const waiting = (await this.#desk.read()).entries.filter(({ error }) => error === null);
    for (const entry of waiting) {
      const file = this.#files.get(entry.id) ?? (await this.#desk.source(entry.id));
      if (file) return { entry, started: { job: this.#settling(entry.id, this.#desk.begin(entry, file)), file } };
    }
    return waiting[0] ? { entry: waiting[0], started: null } : null;
  }

  /** The same job, whose result waits until the queue knows of it. */
  #settling(id: string, job: Job): Job {
    const result = job.result.then(
      async (done) => {
        await this.#tell({ kind: 'remove', id });
        this.#files.delete(id);
        return done;
      },
      async (cause: unknown) => {
        const error = toErrorData(cause);
        await this.#tell(settled(id, error));
        if (!HOLDING.has(error.code)) this.#files.delete(id);
        throw cause;
      },
    );
    result.catch(() => undefined);
    return {
      id: job.id,
      updates: job.updates,
      result,
      pause: () => job.pause(),
      resume: () => job.resume(),
      cancel: () => job.cancel(),
    };
  }

  /** What the queue can't be told costs the job nothing: it is asked again at the next turn. */
  async #tell(change: QueueChange): Promise<void> {
    await this.#desk.change(change).catch(() => undefined);
  }
}

export function settled(id: string, error: ErrorData): QueueChange {
  return HOLDING.has(error.code) ? { kind: 'going', going: false } : { kind: 'failed', id, error };
}
