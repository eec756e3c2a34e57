/**
 * Jobs that were interrupted: what there is, their clips, what of them is finished as a file, their end.
 *
 * Needs no device and no model: it answers while these are still loading, and where they can't be had.
 */

import { EnhancerError } from '../errors.ts';
import { ClipQueue } from '../jobs/clip-queue.ts';
import { JobStore } from '../jobs/job-store.ts';
import type { JobRecord } from '../jobs/journal.ts';
import { finishedPart, muxPart } from '../jobs/mux-journal.ts';
import { identify, type SourceIdentity, sameSource } from '../jobs/source-identity.ts';
import { openClip } from '../media/clip.ts';
import type { JobReport, UnfinishedJob } from '../protocol.ts';
import { running } from './job-lock.ts';
import type { JobJournal } from './journal-keeper.ts';
import type { MeterState } from './progress.ts';
import { provenanceTags } from './provenance.ts';
import { outputName, reportOf } from './report.ts';
import { soundFor } from './sound.ts';

export class Unfinished {
  readonly #store: JobStore;

  /** @param visit whose files it makes. */
  constructor(visit?: string) {
    this.#store = new JobStore(visit);
    // What a tab left that died while it wrote a file.
    void this.#store.sweepOutputs();
  }

  /** Newest first; those that run now, here or in another tab, and those of the queue left out. */
  async list(): Promise<UnfinishedJob[]> {
    const queued = await new ClipQueue(this.#store).read();
    const ids = new Set([...(await running()), ...queued.clips].map(({ id }) => id));
    const found: UnfinishedJob[] = [];
    for await (const { journal, hasSource } of this.#store.unfinished(ids)) {
      const { id, startedAtMs, settings, plan, source } = journal.job;
      found.push({
        id,
        fileName: source.name,
        fileBytes: source.bytes,
        hasSource,
        startedAtMs,
        updatedAtMs: journal.updatedAtMs,
        settings,
        plan,
        framesDone: journal.framesDone,
        paused: journal.paused,
      });
    }
    return found;
  }

  async discard(id: string): Promise<void> {
    this.#store.discard(id);
  }

  /** A job's clip; null where there is no such job. */
  async source(id: string, offered: File | null): Promise<KnownSource | null> {
    const store = this.#store;
    const job = (await store.look(id))?.journal?.job;
    return job ? knownSource(store, id, job.source, offered) : null;
  }

  /**
   * What is finished as a playable file; the job can still go on afterwards.
   * @param file the clip, for its sound; null for a file without.
   */
  async save(id: string, file: File | null): Promise<{ report: JobReport; output: File }> {
    const store = this.#store;
    const journal: JobJournal = await store.resume<MeterState>(id);
    try {
      const { job } = journal;
      const clip = file && (await openClip(file));
      try {
        if (file) await checkSource(job, file);
        const part = await finishedPart(journal);
        const { durationUs, frameCount } = job.plan.output;
        const finishedUs = part.packetCount === frameCount ? durationUs : part.endUs;
        const { output, audioTracksCopied } = await muxPart(store, part, outputName(job.source.name), {
          frameRate: clip?.info.variableFrameRate ? null : job.plan.output.frameRate,
          audioTracks: clip ? soundFor(clip, job.plan, job.settings, finishedUs) : [],
          tags: provenanceTags(job.settings),
        });
        const report = reportOf(journal, output, journal.stateExtra, { audioTracksCopied });
        return { report: { ...report, durationUs: finishedUs, frameCount: part.packetCount }, output };
      } finally {
        clip?.close();
      }
    } finally {
      journal.close();
    }
  }
}

export interface KnownSource {
  /** Whether what was offered is the clip. */
  readonly isOffered: boolean;
  /** Else the private copy; null where none was kept, or not all of it. */
  readonly copy: File | null;
}

/** @param offered what the clip's handle gives now, which may be another by the same name. */
export async function knownSource(
  store: JobStore,
  id: string,
  source: SourceIdentity,
  offered: File | null,
): Promise<KnownSource> {
  // One that can't be read is none.
  const isOffered =
    offered !== null &&
    (await identify(offered).then(
      (found) => sameSource(source, found),
      () => false,
    ));
  return { isOffered, copy: isOffered ? null : await store.source(id, source) };
}

/** @throws EnhancerError `SOURCE_CHANGED` when it is not the clip that the job began with. */
export async function checkSource({ source }: JobRecord, file: File): Promise<void> {
  await assertSource(source, file);
}

/** @throws EnhancerError `SOURCE_CHANGED`. */
export async function assertSource(source: SourceIdentity, file: File): Promise<void> {
  if (sameSource(source, await identify(file))) return;
  throw new EnhancerError(
    'SOURCE_CHANGED',
    `${file.name} is not the clip that this job began with.`,
    `Choose ${source.name} as it was, or discard the job and start anew.`,
  );
}
