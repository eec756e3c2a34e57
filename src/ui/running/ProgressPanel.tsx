import type { JobPlan } from '../../../workers/plan/job-plan.ts';
import type { JobProgress } from '../../../workers/protocol.ts';
import { type Estimate, estimateDrift, estimateError } from '../../state/estimate.ts';
import { type RunningPhase, shownPlan } from '../../state/phase.ts';
import { useSession } from '../../state/react.ts';
import {
  formatBytes,
  formatCount,
  formatEstimate,
  formatFactor,
  formatFrameRate,
  formatPercent,
  formatRate,
  formatSeconds,
  formatSize,
} from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { type Fact, Facts } from '../pieces/Facts.tsx';
import { useThrottled } from '../pieces/use-throttled.ts';
import { words } from '../words.ts';
import { NotifyField } from './NotifyField.tsx';
import styles from './ProgressPanel.module.css';
import { useMeasuredMemory } from './use-measured-memory.ts';

const ANNOUNCE_INTERVAL_MS = 15_000;
/** Below this the estimate held. */
const SMALL_DRIFT = 0.03;

export function ProgressPanel({ phase }: { readonly phase: RunningPhase }) {
  const { run } = phase;
  const { progress, flow } = run;
  const plan = shownPlan(phase.plan);
  const fraction = progress?.fraction ?? 0;
  const percent = formatPercent(fraction);
  const stage = words.run.stages[progress?.stage ?? 'prepare'];
  const timeLeft = progress?.secondsLeft == null ? null : formatEstimate(progress.secondsLeft);
  const elapsed = progress?.secondsElapsed ?? 0;
  const paused = flow === 'paused';
  const error = estimateError(run.estimate);
  const measuredBytes = useMeasuredMemory();
  const announcement = useThrottled(words.run.announce(percent, stage, timeLeft), ANNOUNCE_INTERVAL_MS);
  const heading = {
    going: words.run.enhancing,
    resuming: words.run.enhancing,
    pausing: words.run.pausing,
    paused: words.run.paused,
    cancelling: words.run.cancelling,
  }[flow];
  return (
    <section className={styles.panel} aria-label={words.run.enhancing}>
      <h2 tabIndex={-1} data-screen-heading className={styles.heading}>
        {heading}
      </h2>
      <p className={styles.percent}>{percent}</p>
      <progress className={styles.bar} max={1} value={fraction} aria-label={words.run.progress} data-flow={flow} />
      <div className={styles.now}>
        <p className={paused ? 'visually-hidden' : styles.stage} data-stage={progress?.stage ?? 'prepare'}>
          {stage}
        </p>
        <p className={styles.note}>{paused ? words.run.held : words.run.keepOpen}</p>
        {paused && run.holds !== null ? (
          <p className={styles.note}>
            {words.run.holds(
              run.holds.gpuBytes > 0 ? formatBytes(run.holds.gpuBytes) : null,
              formatBytes(run.holds.heapBytes),
              formatBytes(run.holds.storageBytes),
            )}
          </p>
        ) : null}
      </div>
      <p role="status" className="visually-hidden">
        {announcement}
      </p>
      <Facts
        facts={[
          {
            name: words.run.timeLeft,
            value:
              timeLeft === null
                ? asEstimated(run.estimate, elapsed)
                : error === null
                  ? timeLeft
                  : words.run.within(timeLeft, formatSeconds(error)),
          },
          { name: words.run.elapsed, value: formatSeconds(elapsed) },
          ...firstEstimate(run.estimate),
          {
            name: words.run.frames,
            value:
              progress === null ? '–' : `${formatCount(progress.framesDone)} / ${formatCount(progress.frameCount)}`,
          },
          ...speed(progress),
          ...memory(progress, measuredBytes, plan),
          ...(plan === null
            ? []
            : [
                { name: words.plan.size, value: formatSize(plan.output.width, plan.output.height) },
                {
                  name: words.plan.frameRate,
                  value: `${formatFrameRate(plan.output.frameRate)} ${words.framesPerSecond}`,
                },
              ]),
          { name: words.settings.scale, value: formatFactor(run.settings.scale) },
          { name: words.settings.strength, value: String(run.settings.strength) },
        ]}
      />
      <NotifyField />
    </section>
  );
}

export function RunActions({ flow }: { readonly flow: RunningPhase['run']['flow'] }) {
  const session = useSession();
  const paused = flow === 'paused' || flow === 'resuming';
  return (
    <div className={styles.actions}>
      <Button wide disabled={flow !== 'going' && flow !== 'paused'} onClick={paused ? session.resume : session.pause}>
        {paused ? words.run.resume : words.run.pause}
      </Button>
      <Button wide onClick={session.cancel}>
        {words.run.cancel}
      </Button>
    </div>
  );
}

/** Until the job itself can tell: what was said before the start, less what has passed. */
function asEstimated({ firstSeconds }: Estimate, elapsedSeconds: number): string {
  if (firstSeconds === null || firstSeconds <= elapsedSeconds) return words.run.measuring;
  return words.run.asEstimated(formatEstimate(firstSeconds - elapsedSeconds));
}

/** What was said before the start, and how far what is said now is from it. */
function firstEstimate(estimate: Estimate): readonly Fact[] {
  const { firstSeconds } = estimate;
  if (firstSeconds === null) return [];
  const drift = estimateDrift(estimate);
  const first = formatEstimate(firstSeconds);
  const percent = formatPercent(Math.abs(drift ?? 0));
  const value = drift === null || Math.abs(drift) < SMALL_DRIFT ? first : words.run.drift(first, percent, drift > 0);
  return [{ name: words.run.firstEstimate, value }];
}

function speed(progress: JobProgress | null): readonly Fact[] {
  if (progress === null || progress.framesDone === 0 || progress.secondsElapsed <= 0) return [];
  const rate = formatRate(progress.framesDone / progress.secondsElapsed);
  return [{ name: words.run.rate, value: words.run.ratePerSecond(rate) }];
}

/** The best that is known: the GPU's ledger, what the browser measures, what was planned. */
function memory(progress: JobProgress | null, measuredBytes: number | null, plan: JobPlan | null): readonly Fact[] {
  const gpuBytes = progress?.gpuLedgerBytes ?? 0;
  const parts = [
    ...(gpuBytes > 0 ? [words.run.onGpu(formatBytes(gpuBytes))] : []),
    ...(measuredBytes === null ? [] : [formatBytes(measuredBytes)]),
  ];
  if (parts.length > 0) return [{ name: words.run.memory, value: parts.join(', ') }];
  if (plan === null) return [];
  return [{ name: words.run.memory, value: words.run.planned(formatBytes(plan.bytes.device + plan.bytes.heap)) }];
}
