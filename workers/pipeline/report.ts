/** What a finished file, or the finished part of one, is said to be. */

import type { JobReport } from '../protocol.ts';
import type { JobJournal } from './journal-keeper.ts';
import type { MeterState } from './progress.ts';

export interface ReportFacts {
  readonly audioTracksCopied: number;
  readonly peakGpuLedgerBytes?: number;
  readonly tiles?: number;
  readonly notices?: readonly string[];
}

export function reportOf(journal: JobJournal, output: File, meter: MeterState | null, facts: ReportFacts): JobReport {
  const { plan, provider } = journal.job;
  const { encoder } = journal;
  return {
    width: plan.output.width,
    height: plan.output.height,
    frameCount: plan.output.frameCount,
    durationUs: plan.output.durationUs,
    videoCodec: encoder.codecString,
    bytes: output.size,
    seconds: meter?.secondsElapsed ?? 0,
    secondsByStage: meter?.seconds ?? {},
    provider,
    windows: plan.windows.length,
    tiles: facts.tiles ?? plan.tiles.length,
    peakGpuLedgerBytes: facts.peakGpuLedgerBytes ?? 0,
    audioTracksCopied: facts.audioTracksCopied,
    notices: [...(facts.notices ?? plan.notices.map(({ message }) => message)), ...journal.notices],
  };
}

export function outputName(name: string): string {
  return `${name.replace(/\.[^.]*$/, '') || 'clip'}-enhanced.mp4`;
}
