import type { ClipInfo } from '../../../workers/media/clip-info.ts';
import type { DeviceInfo, JobPlan } from '../../../workers/plan/job-plan.ts';
import { type PlanState, shownPlan } from '../../state/phase.ts';
import { useSession, useSessionState } from '../../state/react.ts';
import { Alert } from '../failure/Alert.tsx';
import { formatBytes, formatCount, formatEstimate, formatFrameRate, formatSize } from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { Facts } from '../pieces/Facts.tsx';
import { words } from '../words.ts';
import styles from './PlanPanel.module.css';

/** What will happen if Enhance is pressed: what comes out, what it takes, what is refused and why. */
export function PlanPanel({ info, plan }: { readonly info: ClipInfo; readonly plan: PlanState }) {
  const session = useSession();
  const shown = shownPlan(plan);
  return (
    <section className={styles.panel} aria-label={words.plan.heading} aria-busy={plan.kind === 'pending'}>
      <h2 className={styles.heading}>{words.plan.heading}</h2>
      {plan.kind === 'failed' ? (
        <Alert title={words.failure.plan} error={plan.error}>
          <Button onClick={session.replan}>{words.plan.tryAgain}</Button>
        </Alert>
      ) : null}
      {shown === null && plan.kind === 'pending' ? <p className={styles.pending}>{words.plan.pending}</p> : null}
      {shown === null ? null : <PlanFigures info={info} plan={shown} stale={plan.kind === 'pending'} />}
      {shown?.refusals.map((refusal) => (
        <Alert key={`${refusal.code} ${refusal.message}`} title={words.plan.refusedHeading} error={refusal} />
      ))}
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
  const { output, bytes } = plan;
  const refused = plan.refusals.length > 0;
  return (
    <div className={styles.figures} data-stale={stale}>
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
          ...(refused
            ? []
            : [
                {
                  name: words.plan.time,
                  value: <strong className={styles.time}>{formatEstimate(plan.seconds)}</strong>,
                },
              ]),
          { name: words.plan.frames, value: formatCount(output.frameCount) },
          { name: words.plan.work, value: words.plan.windowsAndTiles(plan.windows.length, plan.tiles.length) },
          { name: words.plan.memory, value: formatBytes(bytes.device + bytes.heap) },
          { name: words.plan.storage, value: formatBytes(bytes.storage) },
          ...(device.kind === 'found' ? [{ name: words.plan.device, value: deviceText(device.info) }] : []),
        ]}
      />
      {plan.notices.length === 0 ? null : (
        <ul className={styles.notices}>
          {plan.notices.map(({ code, message }) => (
            <li key={`${code} ${message}`}>{message}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

function deviceText({ provider, name }: DeviceInfo): string {
  return `${words.device.found[provider]}, ${name}`;
}
