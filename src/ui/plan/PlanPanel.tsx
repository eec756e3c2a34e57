import type { ClipInfo } from '../../../workers/media/clip-info.ts';
import type { DeviceInfo, JobPlan, Refusal } from '../../../workers/plan/job-plan.ts';
import { type PlanState, shownPlan } from '../../state/phase.ts';
import { useProbe, useProbeState } from '../../state/probe-context.ts';
import { useSession, useSessionState } from '../../state/react.ts';
import { Alert } from '../failure/Alert.tsx';
import { ErrorActions } from '../failure/ErrorActions.tsx';
import { formatBytes, formatCount, formatEstimate, formatFrameRate, formatSeconds, formatSize } from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { Facts } from '../pieces/Facts.tsx';
import { goToMemoryField } from '../settings/MemoryField.tsx';
import { words } from '../words.ts';
import styles from './PlanPanel.module.css';

/** What will happen if Enhance is pressed: what comes out and what it takes. */
export function PlanPanel({ info, plan }: { readonly info: ClipInfo; readonly plan: PlanState }) {
  const shown = shownPlan(plan);
  return (
    <section className={styles.panel} aria-labelledby="plan-heading" aria-busy={plan.kind === 'pending'}>
      <h2 id="plan-heading" className="visually-hidden">
        {words.plan.heading}
      </h2>
      {shown === null && plan.kind === 'pending' ? <p className={styles.pending}>{words.plan.pending}</p> : null}
      {shown === null ? null : <PlanFigures info={info} plan={shown} stale={plan.kind === 'pending'} />}
    </section>
  );
}

interface PlanFiguresProps {
  readonly info: ClipInfo;
  readonly plan: JobPlan;
  readonly stale: boolean;
}

function PlanFigures({ info, plan, stale }: PlanFiguresProps) {
  const device = useSessionState((state) => state.device);
  const probe = useProbe();
  const { kind: probing, measurement } = useProbeState();
  const model = useSessionState((state) => state.settings.model);
  const { output, bytes } = plan;
  return (
    <div className={styles.figures} data-stale={stale}>
      {plan.notices.length === 0 ? null : (
        <ul className={styles.notices}>
          {plan.notices.map(({ code, message }) => (
            <li key={`${code} ${message}`}>{message}</li>
          ))}
        </ul>
      )}
      <dl className={styles.becomes}>
        <div>
          <dt>{words.plan.size}</dt>
          <dd className={styles.from}>{formatSize(info.width, info.height)}</dd>
          <dd className={styles.to}>{formatSize(output.width, output.height)}</dd>
        </div>
        <div>
          <dt>{words.plan.frameRate}</dt>
          <dd className={styles.from}>
            {formatFrameRate(info.frameRate)} {words.framesPerSecond}
          </dd>
          <dd className={styles.to}>
            {formatFrameRate(output.frameRate)} {words.framesPerSecond}
          </dd>
        </div>
      </dl>
      <Facts
        facts={[
          { name: words.plan.frames, value: formatCount(output.frameCount) },
          { name: words.plan.work, value: words.plan.windowsAndTiles(plan.windows.length, plan.tiles.length) },
          { name: words.plan.memory, value: formatBytes((measurement?.deviceBytes ?? bytes.device) + bytes.heap) },
          ...(measurement === null
            ? []
            : [
                {
                  name: words.plan.largestWindow,
                  value: words.plan.largestWindowFrames(formatCount(measurement.largestWindowFrames)),
                },
                { name: words.plan.tileTime, value: words.plan.tileTook(formatSeconds(measurement.tileSeconds)) },
              ]),
          { name: words.plan.storage, value: formatBytes(bytes.storage) },
          ...(device.kind === 'found' ? [{ name: words.plan.device, value: deviceText(device.info) }] : []),
        ]}
      />
      {/* Nano is measured unasked. */}
      {probing === 'none' && model !== 'nano' ? (
        <Button look="quiet" onClick={probe.measure}>
          {words.plan.measure}
        </Button>
      ) : null}
    </div>
  );
}

/** Beside the button that starts it: what comes out and how long it takes, or why it can't. */
export function PlanVerdict({ plan }: { readonly plan: PlanState }) {
  const session = useSession();
  const deviceFailed = useSessionState((state) => state.device.kind === 'failed');
  const shown = shownPlan(plan);
  // Without a device every plan fails for that reason, and the page says it already.
  if (deviceFailed) return <p className={styles.summary}>{words.device.failed}</p>;
  if (plan.kind === 'failed') {
    return (
      <Alert title={words.failure.plan} error={plan.error} occasion="plan">
        <Button onClick={session.replan}>{words.plan.tryAgain}</Button>
      </Alert>
    );
  }
  if (shown !== null && shown.refusals.length > 0) {
    return shown.refusals.map((refusal) => <Refused key={`${refusal.code} ${refusal.message}`} refusal={refusal} />);
  }
  return (
    <p className={styles.summary} data-stale={plan.kind === 'pending'}>
      {shown === null ? words.plan.pending : <SummaryFigures plan={shown} />}
    </p>
  );
}

const OF_MEMORY: ReadonlySet<string> = new Set(['SIZE_TOO_LARGE', 'MEMORY_BUDGET', 'OUT_OF_GPU_MEMORY']);

/** A refusal is the error that the job would be, in its words and with its code, before it is one. */
function Refused({ refusal }: { readonly refusal: Refusal }) {
  return (
    <div role="alert" data-code={refusal.code} className={styles.refused}>
      <p className={styles.refusedTitle}>{refusal.message}</p>
      <p>{refusal.hint}</p>
      <p className={styles.refusedSafe}>{words.failure.safeDuring.plan}</p>
      {OF_MEMORY.has(refusal.code) ? (
        <Button look="quiet" className={styles.remedy} onClick={goToMemoryField}>
          {words.settings.changeMemoryBudget}
        </Button>
      ) : null}
      <ErrorActions code={refusal.code} />
    </div>
  );
}

function SummaryFigures({ plan: { output, seconds, measured } }: { readonly plan: JobPlan }) {
  const probe = useProbeState();
  return (
    <>
      <span>
        {formatSize(output.width, output.height)}, {formatFrameRate(output.frameRate)} {words.framesPerSecond}
      </span>
      <span className={styles.time} data-measured={measured === true}>
        {formatEstimate(seconds)}
        <span className={styles.basis}>
          {measured ? words.plan.measured : probe.kind === 'measuring' ? words.plan.measuring : words.plan.estimated}
        </span>
      </span>
    </>
  );
}

function deviceText({ provider, name }: DeviceInfo): string {
  return `${words.device.found[provider]}, ${name}`;
}
