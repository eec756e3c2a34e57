/**
 * The queue of clips that wait for their turn, beside the jobs' journals and framed as they are, in two files written in turn: a change
 * is either there or not, whenever the tab dies.
 *
 * An entry's id is its job's: what it has done, its private copy and its packets are in that job's folder. Costs a small write a change. The
 * files are held only while they are read or changed, behind a Web Lock, so that several tabs may.
 */

import type { ErrorData } from '../errors.ts';
import type { Settings } from '../plan/settings.ts';
import type { QueueChange } from '../protocol.ts';
import type { ByteFile } from './byte-file.ts';
import type { JobStore } from './job-store.ts';
import { RecordLog } from './record-log.ts';
import type { SourceIdentity } from './source-identity.ts';

export interface QueuedClip {
  /** Its job's, once that has begun. */
  readonly id: string;
  readonly source: SourceIdentity;
  readonly settings: Settings;
  readonly addedAtMs: number;
  /** Why its job ended early; null while it waits for its turn. */
  readonly error: ErrorData | null;
}

export interface QueueState {
  /** Whether the next clip begins by itself when one is done. */
  readonly going: boolean;
  /** In the order of their turns; the one at work stays first until it is done. */
  readonly clips: readonly QueuedClip[];
}

export const EMPTY_QUEUE: QueueState = { going: false, clips: [] };

export interface Addition {
  readonly kind: 'add';
  readonly clip: QueuedClip;
}

/** Pure. An id that is not there changes nothing. */
export function changed(queue: QueueState, change: QueueChange | Addition): QueueState {
  const { clips } = queue;
  switch (change.kind) {
    case 'add':
      return { ...queue, clips: [...clips.filter(({ id }) => id !== change.clip.id), change.clip] };
    case 'move': {
      const moved = clips.find(({ id }) => id === change.id);
      if (!moved) return queue;
      const rest = clips.filter((clip) => clip !== moved);
      const at = Math.max(0, Math.min(rest.length, change.to));
      return { ...queue, clips: [...rest.slice(0, at), moved, ...rest.slice(at)] };
    }
    case 'remove':
      return { ...queue, clips: clips.filter(({ id }) => id !== change.id) };
    case 'going':
      return { ...queue, going: change.going };
    case 'failed':
      return {
        ...queue,
        clips: clips.map((clip) => (clip.id === change.id ? { ...clip, error: change.error } : clip)),
      };
  }
}

const LOCK = 'venhancer queue';

interface Head {
  readonly sequence: number;
  readonly queue: QueueState;
}

export class ClipQueue {
  readonly #store: JobStore;

  constructor(store: JobStore) {
    this.#store = store;
  }

  /** @throws EnhancerError `STORAGE_FAILED`. */
  async read(): Promise<QueueState> {
    return (await this.#held(false, ([newest]) => headOf(newest).queue)) ?? EMPTY_QUEUE;
  }

  /** @returns the queue as it then is. @throws EnhancerError `QUOTA_EXCEEDED`, `STORAGE_FAILED`; the queue is then as it was. */
  async change(change: QueueChange | Addition): Promise<QueueState> {
    const changedTo = await this.#held(true, ([newest, older]) => {
      const { sequence, queue } = headOf(newest);
      const now = changed(queue, change);
      older.replace({ sequence: sequence + 1, queue: now }, []);
      return now;
    });
    return changedTo!;
  }

  /** Null where there are no files and none are made. */
  async #held<T>(create: boolean, work: (logs: readonly [RecordLog<Head>, RecordLog<Head>]) => T): Promise<T | null> {
    const once = async (): Promise<T | null> => {
      const files: readonly [ByteFile, ByteFile] | null = await this.#store.queueFiles(create);
      if (!files) return null;
      try {
        const [a, b] = [RecordLog.open<Head>(files[0]), RecordLog.open<Head>(files[1])];
        return work(headOf(a).sequence > headOf(b).sequence ? [a, b] : [b, a]);
      } finally {
        for (const file of files) file.close();
      }
    };
    const locks = globalThis.navigator?.locks;
    return locks ? locks.request(LOCK, once) : once();
  }
}

function headOf({ records }: RecordLog<Head>): Head {
  return records[0]?.head ?? { sequence: 0, queue: EMPTY_QUEUE };
}
