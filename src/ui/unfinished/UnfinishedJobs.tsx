import type { UnfinishedJob } from '../../../workers/protocol.ts';
import { useHistoryState } from '../../state/history-context.ts';
import { useSession, useSessionState } from '../../state/react.ts';
import { fileStem, formatCount, formatMoment, formatPercent, formatSize } from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { saveFile } from '../pieces/save-file.ts';
import { words } from '../words.ts';
import styles from './UnfinishedJobs.module.css';

/** Jobs that were interrupted, in this visit or an earlier one: go on, keep what there is, or let go. */
export function UnfinishedJobs({ onChoose }: { readonly onChoose: () => void }) {
  const found = useSessionState((state) => state.unfinished);
  const kept = useHistoryState((state) => state.entries);
  // A finished one has its journal until it is downloaded; where the history has it, it is not offered twice.
  const jobs = found.filter(({ id }) => !kept.some(({ jobId }) => jobId === id));
  const wanted = useSessionState((state) => state.wanted);
  if (jobs.length === 0) return null;
  return (
    <section className={styles.panel} aria-labelledby="unfinished-jobs">
      <h2 id="unfinished-jobs" className={styles.heading}>
        {words.unfinished.heading}
      </h2>
      <ul className={styles.list}>
        {jobs.map((job) => (
          <Offer key={job.id} job={job} wanted={job.id === wanted?.id} onChoose={onChoose} />
        ))}
      </ul>
    </section>
  );
}

interface OfferProps {
  readonly job: UnfinishedJob;
  /** Whether its clip has to be chosen again. */
  readonly wanted: boolean;
  readonly onChoose: () => void;
}

function Offer({ job, wanted, onChoose }: OfferProps) {
  const session = useSession();
  const { output } = job.plan;
  const percent = formatPercent(job.framesDone / output.frameCount);
  const save = async (): Promise<void> => {
    const file = await session.saveFinished(job.id);
    if (file) saveFile(file, words.result.fileName(fileStem(job.fileName)));
  };
  return (
    <li className={styles.item} data-job={job.id} data-frames-done={job.framesDone}>
      <div className={styles.text}>
        <p className={styles.name}>{job.fileName}</p>
        <p className={styles.facts}>
          {words.unfinished.state(percent, formatCount(output.frameCount), job.paused)}
          <br />
          {words.unfinished.recipe(formatSize(output.width, output.height), formatMoment(job.updatedAtMs))}
        </p>
        <p role="status">{wanted ? words.unfinished.chooseAgain(job.fileName) : null}</p>
      </div>
      <div className={styles.actions}>
        {wanted ? (
          <Button onClick={onChoose}>{words.empty.choose}</Button>
        ) : (
          <Button aria-label={words.unfinished.goOnNamed(job.fileName)} onClick={() => void session.goOn(job.id)}>
            {words.unfinished.goOn}
          </Button>
        )}
        <Button disabled={job.framesDone === 0} onClick={() => void save()}>
          {words.unfinished.save}
        </Button>
        <Button
          look="quiet"
          aria-label={words.unfinished.discardNamed(job.fileName)}
          onClick={() => void session.discardJob(job.id)}
        >
          {words.unfinished.discard}
        </Button>
      </div>
    </li>
  );
}
