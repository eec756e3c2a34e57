import { type RunningPhase, shownPlan } from '../../state/phase.ts';
import { useSession } from '../../state/react.ts';
import {
  formatCount,
  formatEstimate,
  formatFactor,
  formatFrameRate,
  formatPercent,
  formatSeconds,
  formatSize,
} from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { Facts } from '../pieces/Facts.tsx';
import { useThrottled } from '../pieces/use-throttled.ts';
import { words } from '../words.ts';
import styles from './ProgressPanel.module.css';

const ANNOUNCE_INTERVAL_MS = 15_000;

export function ProgressPanel({ phase }: { readonly phase: RunningPhase }) {
  const { run } = phase;
  const { progress, flow } = run;
  const plan = shownPlan(phase.plan);
  const fraction = progress?.fraction ?? 0;
  const percent = formatPercent(fraction);
  const stage = words.run.stages[progress?.stage ?? 'prepare'];
  const timeLeft = progress?.secondsLeft == null ? null : formatEstimate(progress.secondsLeft);
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
      <p className={styles.stage} data-stage={progress?.stage ?? 'prepare'}>
        {stage}
      </p>
      <p role="status" className="visually-hidden">
        {announcement}
      </p>
      <Facts
        facts={[
          { name: words.run.timeLeft, value: timeLeft ?? words.run.measuring },
          { name: words.run.elapsed, value: formatSeconds(progress?.secondsElapsed ?? 0) },
          {
            name: words.run.frames,
            value:
              progress === null ? '–' : `${formatCount(progress.framesDone)} / ${formatCount(progress.frameCount)}`,
          },
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
      <p className={styles.note}>{flow === 'paused' ? words.run.held : words.run.keepOpen}</p>
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
