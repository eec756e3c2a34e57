/**
 * The queue as the page sees it: what waits, in which order, what each has done already. Runs nothing; the page begins the next one.
 *
 * Needs no device and no model. Costs a look into each entry's journal a call.
 */

import { ClipQueue, type QueueState } from '../jobs/clip-queue.ts';
import { JobStore } from '../jobs/job-store.ts';
import { identify } from '../jobs/source-identity.ts';
import type { Settings } from '../plan/settings.ts';
import type { QueueChange, QueueView } from '../protocol.ts';
import { assertSource, type KnownSource, knownSource } from './unfinished.ts';

export class Queue {
  readonly #store = new JobStore();
  readonly #queue = new ClipQueue(this.#store);

  async read(): Promise<QueueView> {
    return this.#view(await (await this.#queue).read());
  }

  /**
   * @param id its job's, once that begins.
   * @param keepSource whether to keep a private copy of the clip until it has been removed.
   * @throws EnhancerError `QUOTA_EXCEEDED`, `STORAGE_FAILED`; nothing was added then.
   */
  async add(id: string, file: File, settings: Settings, keepSource: boolean): Promise<QueueView> {
    const store = this.#store;
    const clip = { id, source: await identify(file), settings, addedAtMs: Date.now(), error: null };
    // First the entry: a folder that no entry and no journal speaks for is swept away.
    const state = await (await this.#queue).change({ kind: 'add', clip });
    try {
      if (keepSource) await store.keepSource(id, file);
    } catch (error) {
      await this.change({ kind: 'remove', id });
      throw error;
    }
    return this.#view(state);
  }

  async change(change: QueueChange): Promise<QueueView> {
    const state = await (await this.#queue).change(change);
    if (change.kind === 'remove') {
      const store = this.#store;
      const found = await store.look(change.id);
      // What has been begun stays, with the interrupted jobs.
      if (found && found.journal === null) await store.discard(change.id);
    }
    return this.#view(state);
  }

  /** @throws EnhancerError `SOURCE_CHANGED` when it is not the clip that was added under this id. */
  async check(id: string, file: File): Promise<void> {
    const entry = (await (await this.#queue).read()).clips.find((clip) => clip.id === id);
    if (entry) await assertSource(entry.source, file);
  }

  /** Whether its job goes on: what could not be looked at for {@link read}, held or out of reach then, may well have begun. */
  async hasBegun(id: string): Promise<boolean> {
    return this.#store.hasBegun(id);
  }

  /** An entry's clip; null where it is none of the queue's. */
  async source(id: string, offered: File | null): Promise<KnownSource | null> {
    const entry = (await (await this.#queue).read()).clips.find((clip) => clip.id === id);
    return entry ? knownSource(this.#store, id, entry.source, offered) : null;
  }

  async #view({ going, clips }: QueueState): Promise<QueueView> {
    const store = this.#store;
    const entries = clips.map(async ({ id, source, settings, addedAtMs, error }) => {
      const journal = (await store.look(id))?.journal;
      return {
        id,
        fileName: source.name,
        fileBytes: source.bytes,
        settings,
        addedAtMs,
        hasSource: (await store.source(id, source)) !== null,
        frameCount: journal?.job.plan.output.frameCount ?? null,
        framesDone: journal?.framesDone ?? 0,
        error,
      };
    });
    return { going, entries: await Promise.all(entries) };
  }
}
