import { useHistoryState } from '../../state/history-context.ts';
import type { FinishedResult } from '../../state/phase.ts';
import { useSession } from '../../state/react.ts';
import {
  codecName,
  fileStem,
  formatBytes,
  formatCount,
  formatFrameRate,
  formatSeconds,
  formatSize,
} from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { Facts } from '../pieces/Facts.tsx';
import { saveFile } from '../pieces/save-file.ts';
import { words } from '../words.ts';
import { ResultActions } from './ResultActions.tsx';
import styles from './ResultPanel.module.css';

export function ResultPanel({ result }: { readonly result: FinishedResult }) {
  const { report, frameRate } = result;
  return (
    <section className={styles.panel} aria-label={words.result.heading}>
      <h2 tabIndex={-1} data-screen-heading className={styles.heading}>
        {words.result.heading}
      </h2>
      <ResultActions result={result} />
      <Facts
        facts={[
          { name: words.result.size, value: formatSize(report.width, report.height) },
          ...(frameRate === null
            ? []
            : [{ name: words.plan.frameRate, value: `${formatFrameRate(frameRate)} ${words.framesPerSecond}` }]),
          { name: words.result.frames, value: formatCount(report.frameCount) },
          { name: words.result.file, value: `${codecName(report.videoCodec)}, ${formatBytes(report.bytes)}` },
          { name: words.result.audio, value: words.result.audioCopied(report.audioTracksCopied) },
          { name: words.result.took, value: formatSeconds(report.seconds) },
        ]}
      />
      {report.notices.length === 0 ? null : (
        <ul className={styles.notices}>
          {report.notices.map((notice) => (
            <li key={notice}>{notice}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

function useDownload(): (result: FinishedResult) => void {
  const session = useSession();
  return (result) => {
    saveFile(result.output, outputName(result));
    session.markDownloaded(result.id);
  };
}

function outputName(result: FinishedResult): string {
  return words.result.fileName(fileStem(result.clip.file.name));
}

/** Made before the one on screen and still there to be downloaded, though the history couldn't keep them. */
export function EarlierResults({ results: made }: { readonly results: readonly FinishedResult[] }) {
  const download = useDownload();
  const kept = useHistoryState((state) => state.entries);
  const results = made.filter((result) => !kept.some(({ jobId }) => jobId === result.jobId));
  if (results.length === 0) return null;
  return (
    <section className={styles.earlier} aria-labelledby="earlier-results">
      <h2 id="earlier-results" className={styles.subheading}>
        {words.result.earlier}
      </h2>
      <ul className={styles.list}>
        {results.map((result) => (
          <li key={result.id} className={styles.item}>
            <span className={styles.itemName}>{outputName(result)}</span>
            <span className={styles.itemFacts}>
              {words.result.earlierFacts(
                formatSize(result.report.width, result.report.height),
                result.settings.strength,
                formatBytes(result.report.bytes),
              )}
            </span>
            <Button
              look="quiet"
              aria-label={words.result.downloadNamed(outputName(result))}
              onClick={() => download(result)}
            >
              {words.result.download}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
