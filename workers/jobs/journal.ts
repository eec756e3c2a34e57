/**
 * A job's journal: its recipe, frozen plan, source and model by hash, the packets of every finished group of pictures, the pictures of the
 * group that is not finished, pauses, and the wavefront's state. What is in it is never made again: a job goes on from it in another process.
 *
 * Costs: a window's pictures and one flush as it finishes, a group's packets the same; states as `state-slots.ts` says; in memory a few
 * numbers for each group. One writer: the files are held exclusively while it is open.
 */

import type { WavefrontState } from '../denoise/wavefront.ts';
import type { EncoderChoice } from '../media/encoder-choice.ts';
import type { EncodedGroup, EncodedVideoPacket, OutputDecoderConfig, TimedPicture } from '../media/group-encoder.ts';
import type { PacketSink } from '../media/packet-sink.ts';
import { fitToTrack } from '../media/parameter-sets.ts';
import type { JobPlan, Provider, Tile } from '../plan/job-plan.ts';
import type { Settings } from '../plan/settings.ts';
import type { ByteFile } from './byte-file.ts';
import { KeptPictures } from './kept-pictures.ts';
import { RecordLog } from './record-log.ts';
import type { SourceIdentity } from './source-identity.ts';
import { StateSlots } from './state-slots.ts';

/** Everything that a job is, fixed at its start. */
export interface JobRecord {
  readonly version: 1;
  readonly id: string;
  readonly startedAtMs: number;
  readonly settings: Settings;
  readonly plan: JobPlan;
  /** SHA-256 of the manifest, which holds every part's hash. */
  readonly modelHash: string;
  readonly source: SourceIdentity;
  readonly encoder: EncoderChoice;
  readonly provider: Provider;
  /** The plan is of a glimpse: the clip has not been looked through yet, and nothing is made. */
  readonly provisional?: true;
}

/** Bytes, time, duration, and 1 for a key frame. */
type PacketEntry = readonly [bytes: number, timestampUs: number, durationUs: number, key: 0 | 1];
type StoredConfig = Omit<OutputDecoderConfig, 'description'> & { readonly description?: readonly number[] };

type Head =
  /** The last one counts. */
  | { readonly kind: 'job'; readonly job: JobRecord }
  | {
      /** A group of pictures: a window's, as it once was. */
      readonly kind: 'window';
      readonly atMs: number;
      readonly config: StoredConfig | null;
      /** In the file alone: an hour of clip has a hundred thousand. */
      readonly packets: readonly PacketEntry[];
    }
  | { readonly kind: 'mark'; readonly atMs: number; readonly mark: Mark };

/** What happened on the way: a pause or its end; something to say in the report; other tiles or another encoder from here on. */
export type Mark =
  | { readonly paused: boolean }
  | { readonly notice: string; readonly tiles?: readonly Tile[] | null; readonly encoder?: EncoderChoice };

export class Journal<Extra> implements PacketSink {
  job: JobRecord;
  decoderConfig: OutputDecoderConfig | null = null;
  packetCount = 0;
  bytes = 0;
  /** Of the last packet. */
  endUs = 0;
  paused = false;
  /** When something was last written to it. */
  updatedAtMs: number;
  readonly notices: string[] = [];
  /** Where they are no longer the plan's. */
  tiles: readonly Tile[] | null = null;
  /** The one that works now: the job's own, or what took its place. */
  encoder: EncoderChoice;
  readonly #log: RecordLog<Head>;
  readonly #states: StateSlots<Extra> | null;
  #kept: KeptPictures | null;

  private constructor(
    job: JobRecord,
    log: RecordLog<Head>,
    states: StateSlots<Extra> | null,
    pictures: ByteFile | null,
  ) {
    this.job = job;
    this.updatedAtMs = job.startedAtMs;
    this.encoder = job.encoder;
    this.#log = log;
    this.#states = states;
    for (const record of [...log.records]) {
      this.#take(record.head);
      log.lighten(record, light(record.head));
    }
    this.#kept = pictures && new KeptPictures(pictures, this.packetCount);
  }

  /** @param pictures where those of an unfinished group are kept; null where there is no room for them. */
  static create<Extra>(
    file: ByteFile,
    states: readonly [ByteFile, ByteFile],
    job: JobRecord,
    pictures: ByteFile | null = null,
  ): Journal<Extra> {
    // What an earlier job of this id left would be taken for its own.
    for (const each of [file, ...states, ...(pictures ? [pictures] : [])]) each.truncate(0);
    const log = RecordLog.open<Head>(file);
    log.append({ kind: 'job', job });
    return new Journal<Extra>(job, log, new StateSlots<Extra>(states), pictures);
  }

  /** @param states null to look only. @returns null where no job was ever written, or by another version. */
  static open<Extra>(
    file: ByteFile,
    states: readonly [ByteFile, ByteFile] | null,
    pictures: ByteFile | null = null,
  ): Journal<Extra> | null {
    const log = RecordLog.open<Head>(file, states ? 'all' : 'last');
    const head = log.records[0]?.head;
    if (head?.kind !== 'job' || head.job.version !== 1) return null;
    return new Journal<Extra>(head.job, log, states && new StateSlots<Extra>(states), pictures);
  }

  /** What the job is from here on, its plan no longer provisional. @throws EnhancerError `QUOTA_EXCEEDED`, `STORAGE_FAILED`. */
  freeze(job: JobRecord): void {
    const head: Head = { kind: 'job', job };
    this.#log.append(head);
    this.#take(head);
  }

  /** Frames that are never made again: a packet each, or a kept picture. */
  get framesDone(): number {
    return this.packetCount + this.picturesKept;
  }

  /** Pictures of whole windows that are not encoded yet. */
  get picturesKept(): number {
    return this.#kept?.count ?? 0;
  }

  /** Whether pictures can be kept here, and so groups be longer than windows. */
  get keepsPictures(): boolean {
    return this.#kept !== null;
  }

  /** The next window's pictures, in order. */
  windowKeeper(): { add(picture: TimedPicture): void; finish(): void; close(): void } {
    const kept = this.#kept;
    if (!kept) throw new RangeError('this journal keeps no pictures');
    let frame = this.framesDone;
    return {
      add: (picture) => kept.add(frame++, picture),
      finish: () => kept.finishWindow(),
      close: () => kept.dropUnfinished(),
    };
  }

  /** Gives up those that there are, and their room. */
  keepNoPictures(): void {
    this.#kept?.clear();
    this.#kept?.close();
    this.#kept = null;
  }

  keptPictures(): Generator<TimedPicture> {
    return this.#kept?.pictures() ?? none();
  }

  /** Takes a group, the kept pictures' if there are any. @throws EnhancerError `QUOTA_EXCEEDED`, `STORAGE_FAILED`, `ENCODE_FAILED`. */
  async append(group: EncodedGroup): Promise<void> {
    const config = this.decoderConfig === null ? storedConfig(group.decoderConfig) : null;
    const { packets } = fitToTrack(group, this.decoderConfig ?? group.decoderConfig);
    const head: Head = {
      kind: 'window',
      atMs: Date.now(),
      config,
      packets: packets.map(({ data, timestampUs, durationUs, type }) => [
        data.byteLength,
        timestampUs,
        durationUs,
        type === 'key' ? 1 : 0,
      ]),
    };
    const record = this.#log.append(
      head,
      packets.map(({ data }) => data),
    );
    this.#take(head);
    this.#log.lighten(record, light(head));
    this.#kept?.clear();
  }

  async *packets(): AsyncGenerator<EncodedVideoPacket> {
    for (const record of this.#log.records) {
      if (record.head.kind !== 'window') continue;
      const head = this.#log.headOf(record);
      let offset = 0;
      for (const [bytes, timestampUs, durationUs, key] of head.kind === 'window' ? head.packets : []) {
        const data = new Uint8Array(bytes);
        this.#log.read(record, offset, data);
        offset += bytes;
        yield { data, timestampUs, durationUs, type: key === 1 ? 'key' : 'delta' };
      }
    }
  }

  mark(mark: Mark): void {
    const head: Head = { kind: 'mark', atMs: Date.now(), mark };
    this.#log.append(head);
    this.#take(head);
  }

  /** Whether a state may be written now without slowing the job. @param windowAtRisk whether a window's work has been done since the last. */
  stateDue(windowAtRisk: boolean): boolean {
    return this.#states?.due(windowAtRisk) ?? false;
  }

  writeState(state: WavefrontState, extra: Extra): number {
    if (!this.#states) throw new RangeError('the journal was opened to look only');
    return this.#states.write(state, extra);
  }

  /** What is kept with the last state, without reading that. */
  get stateExtra(): Extra | null {
    return this.#states?.extra ?? null;
  }

  readState(): { readonly state: WavefrontState; readonly extra: Extra } | null {
    return this.#states?.read() ?? null;
  }

  /** Of journal, kept pictures and states, on disk. */
  get storedBytes(): number {
    return this.#log.bytes + (this.#kept?.bytes ?? 0) + (this.#states?.bytes ?? 0);
  }

  close(): void {
    this.#log.close();
    this.#kept?.close();
    this.#states?.close();
  }

  #take(head: Head): void {
    if (head.kind === 'job') {
      this.job = head.job;
      this.encoder = head.job.encoder;
      return;
    }
    this.updatedAtMs = head.atMs;
    if (head.kind === 'mark') {
      this.#takeMark(head.mark);
      return;
    }
    this.decoderConfig ??= head.config && givenConfig(head.config);
    this.packetCount += head.packets.length;
    for (const [bytes, timestampUs, durationUs] of head.packets) {
      this.bytes += bytes;
      this.endUs = Math.max(this.endUs, timestampUs + durationUs);
    }
  }

  #takeMark(mark: Mark): void {
    if ('paused' in mark) {
      this.paused = mark.paused;
      return;
    }
    this.tiles = mark.tiles ?? this.tiles;
    this.encoder = mark.encoder ?? this.encoder;
    if (!this.notices.includes(mark.notice)) this.notices.push(mark.notice);
  }
}

function light(head: Head): Head {
  return head.kind === 'window' ? { ...head, packets: [] } : head;
}

function* none(): Generator<never> {}

function storedConfig({ description, ...rest }: OutputDecoderConfig): StoredConfig {
  return description ? { ...rest, description: [...description] } : rest;
}

function givenConfig({ description, ...rest }: StoredConfig): OutputDecoderConfig {
  return description ? { ...rest, description: Uint8Array.from(description) } : rest;
}
