import { useState } from 'react';
import type { HistoryEntry } from '../../../workers/history-protocol.ts';
import { recipeText } from '../../../workers/plan/recipe-code.ts';
import { useHistory, useHistoryState } from '../../state/history-context.ts';
import { useSession, useSessionState } from '../../state/react.ts';
import { fileStem, formatBytes, formatMoment, formatSeconds, formatSize } from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { CopyButton } from '../pieces/CopyButton.tsx';
import { Icon } from '../pieces/Icon.tsx';
import { saveFile } from '../pieces/save-file.ts';
import { useObjectUrl } from '../pieces/use-object-url.ts';
import { recipeSummary } from '../recipe/recipe-summary.ts';
import { words } from '../words.ts';
import styles from './HistoryPanel.module.css';

/** How many are shown before a person asks for the rest. */
const SHOWN = 3;

/** Everything finished on this device and not deleted: watch it again, fetch it again, run it again. */
export function HistoryPanel({
  exceptJobId,
  onChoose,
}: {
  readonly exceptJobId: string | null;
  readonly onChoose: () => void;
}) {
  const entries = useHistoryState((state) => state.entries);
  const [all, showAll] = useState(false);
  const listed = entries.filter(({ jobId }) => jobId !== exceptJobId);
  if (listed.length === 0) return null;
  const shown = all ? listed : listed.slice(0, SHOWN);
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  return (
    <section className={styles.panel} aria-labelledby="history">
      <div className={styles.head}>
        <h2 id="history" className={styles.heading}>
          {words.history.heading}
        </h2>
        <p className={styles.space}>{words.history.space(formatBytes(bytes))}</p>
      </div>
      <ul className={styles.list}>
        {shown.map((entry) => (
          <Item key={entry.id} entry={entry} onChoose={onChoose} />
        ))}
      </ul>
      {listed.length > SHOWN ? (
        <Button look="quiet" aria-expanded={all} className={styles.more} onClick={() => showAll(!all)}>
          {all ? words.history.fewer : words.history.more(listed.length - SHOWN)}
        </Button>
      ) : null}
    </section>
  );
}

function Item({ entry, onChoose }: { readonly entry: HistoryEntry; readonly onChoose: () => void }) {
  const history = useHistory();
  const session = useSession();
  const busy = useSessionState(({ phase }) => phase.kind === 'running' || phase.kind === 'probing');
  const wanted = useHistoryState((state) => state.wanted?.id === entry.id);
  const { report, settings, fileName } = entry;
  const download = async (): Promise<void> => {
    const file = await history.output(entry);
    if (file === null) return;
    saveFile(file, words.result.fileName(fileStem(fileName)));
    const here = session.store.getState().results.find(({ jobId }) => jobId === entry.jobId);
    if (here) session.markDownloaded(here.id);
    else await session.discardJob(entry.jobId);
  };
  return (
    <li className={styles.item} data-history={entry.jobId}>
      <Thumbnail entry={entry} />
      <div className={styles.text}>
        <p className={styles.name} title={fileName}>
          {fileName}
        </p>
        <p className={styles.facts}>{recipeSummary(settings)}</p>
        <p className={styles.facts}>
          {words.history.facts(
            formatSize(report.width, report.height),
            formatSeconds(report.seconds),
            formatBytes(entry.bytes),
            formatMoment(entry.finishedAtMs),
          )}
        </p>
        {wanted ? (
          <p className={styles.wanted} role="status">
            {words.history.chooseAgain(fileName)}
          </p>
        ) : null}
      </div>
      <div className={styles.actions}>
        {wanted ? (
          <Button onClick={onChoose}>{words.empty.choose}</Button>
        ) : (
          <Button
            look="quiet"
            disabled={busy}
            aria-label={words.history.runAgainNamed(fileName)}
            onClick={() => void history.runAgain(entry)}
          >
            <Icon name="shuffle" />
            {words.history.runAgain}
          </Button>
        )}
        <Button
          look="quiet"
          aria-label={words.result.downloadNamed(words.result.fileName(fileStem(fileName)))}
          onClick={() => void download()}
        >
          {words.result.download}
        </Button>
        <CopyButton
          text={() => recipeText(settings)}
          label={words.recipe.copyNamed}
          accessibleName={words.recipe.copyOf(fileName)}
        />
        <Button
          look="quiet"
          aria-label={words.history.removeNamed(fileName)}
          onClick={() => void history.remove(entry)}
        >
          {words.history.remove}
        </Button>
      </div>
    </li>
  );
}

function Thumbnail({ entry }: { readonly entry: HistoryEntry }) {
  return entry.thumbnail === null ? (
    <span className={styles.thumbnail} aria-hidden="true" />
  ) : (
    <Picture file={entry.thumbnail} />
  );
}

function Picture({ file }: { readonly file: Blob }) {
  const url = useObjectUrl(file);
  return url === null ? <span className={styles.thumbnail} /> : <img src={url} alt="" className={styles.thumbnail} />;
}
