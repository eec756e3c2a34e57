import { lazy, type RefObject, Suspense, useCallback, useEffect, useRef } from 'react';
import { keepAwake } from '../client/wake-lock.ts';
import { useHistoryState } from '../state/history-context.ts';
import { useModels } from '../state/models-context.ts';
import { type SessionState, wouldLoseWork } from '../state/phase.ts';
import { useQueue } from '../state/queue-context.ts';
import { useSessionState } from '../state/react.ts';
import styles from './App.module.css';
import { FailureBanner } from './failure/FailureBanner.tsx';
import { formatPercent } from './format.ts';
import { Header } from './header/Header.tsx';
import { HistoryPanel } from './history/HistoryPanel.tsx';
import { EmptyScreen } from './intake/EmptyScreen.tsx';
import { pickClip } from './intake/pick-clip.ts';
import { useClipIntake } from './intake/use-clip-intake.ts';
import { ModelManager } from './models/ModelManager.tsx';
import { UpdateBanner } from './offline/UpdateBanner.tsx';
import { QueuePanel } from './queue/QueuePanel.tsx';
import { SharedRecipe } from './recipe/SharedRecipe.tsx';
import { EarlierResults } from './results/ResultPanel.tsx';
import { useDoneNotice } from './running/use-done-notice.ts';
import { UnfinishedJobs } from './unfinished/UnfinishedJobs.tsx';
import { words } from './words.ts';

/** Everything that needs a clip comes after the first screen; asked for at once, so that it is there when a clip is. */
const workScreen = import('./WorkScreen.tsx');
const WorkScreen = lazy(async () => ({ default: (await workScreen).WorkScreen }));

export function App() {
  const phase = useSessionState((state) => state.phase);
  const results = useSessionState((state) => state.results);
  const hasUnfinished = useSessionState((state) => state.unfinished.length > 0);
  const input = useRef<HTMLInputElement>(null);
  const main = useRef<HTMLElement>(null);

  const queue = useQueue();
  const open = queue.take;
  const choose = useCallback(() => {
    if (!pickClip(open)) input.current?.click();
  }, [open]);
  const { addFiles } = useModels();
  const holding = useClipIntake(open, addFiles);
  useTitle();
  useLeaveGuard();
  useAwake();
  useDoneNotice();
  const shown = useRef<ScreenKind>('empty');

  const screen = phase.kind === 'probing' ? phase.before : phase;
  const opening = phase.kind === 'probing' ? phase.fileName : null;
  return (
    <div className={styles.app} data-phase={phase.kind} data-holding={holding}>
      <Header />
      <UpdateBanner />
      <FailureBanner onChoose={choose} />
      <SharedRecipe />
      <main ref={main} className={styles.main} aria-busy={opening !== null}>
        <input
          ref={input}
          type="file"
          multiple
          accept="video/*,.mp4,.m4v,.mov,.webm,.mkv"
          aria-label={words.input}
          tabIndex={-1}
          className="visually-hidden"
          onChange={(event) => {
            const files = [...(event.target.files ?? [])];
            // Cleared, so that choosing the same file again counts as a change.
            event.target.value = '';
            open(files);
          }}
        />
        {screen.kind === 'empty' ? (
          <>
            {hasUnfinished ? (
              <div className={styles.unfinished}>
                <UnfinishedJobs onChoose={choose} />
              </div>
            ) : null}
            <div className={styles.unfinished}>
              <QueuePanel onChoose={choose} />
            </div>
            <EmptyScreen holding={holding} onChoose={choose} />
            <ScreenFocus main={main} shown={shown} />
            <div className={styles.earlier}>
              <EarlierResults results={results} />
              <HistoryPanel exceptJobId={null} onChoose={choose} />
            </div>
          </>
        ) : (
          <Suspense>
            <WorkScreen phase={screen} opening={opening} onChoose={choose} />
            <ScreenFocus main={main} shown={shown} />
          </Suspense>
        )}
      </main>
      <ModelManager />
    </div>
  );
}

function useTitle(): void {
  const title = useSessionState(({ phase }) => {
    if (phase.kind === 'finished') return words.title.finished(phase.clip.file.name);
    if (phase.kind !== 'running') return words.title.idle;
    const percent = formatPercent(phase.run.progress?.fraction ?? 0);
    const say = phase.run.flow === 'paused' ? words.title.paused : words.title.running;
    return say(percent, phase.clip.file.name);
  });
  useEffect(() => {
    document.title = title;
  }, [title]);
}

/** Closing the tab asks first while that would lose work. */
function useLeaveGuard(): void {
  const kept = useHistoryState((state) => state.entries);
  const atRisk = useSessionState((state) => wouldLoseWork(state, (id) => kept.some(({ jobId }) => jobId === id)));
  useEffect(() => {
    if (!atRisk) return;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [atRisk]);
}

/** The screen stays on while a job works. */
function useAwake(): void {
  const working = useSessionState(({ phase }) => phase.kind === 'running' && phase.run.flow !== 'paused');
  useEffect(() => (working ? keepAwake() : undefined), [working]);
}

type ScreenKind = Exclude<SessionState['phase']['kind'], 'probing'>;

interface ScreenFocusProps {
  readonly main: RefObject<HTMLElement | null>;
  /** The screen that was focused last. */
  readonly shown: RefObject<ScreenKind>;
}

/**
 * When the screen changes, the control that had the focus is gone: its new heading takes it, unless an alert has. Stands beside the
 * screen, inside its Suspense, so that it acts once the screen is there.
 */
function ScreenFocus({ main, shown }: ScreenFocusProps) {
  const kind = useSessionState(({ phase }) => (phase.kind === 'probing' ? phase.before.kind : phase.kind));
  const failed = useSessionState((state) => state.failure !== null);
  useEffect(() => {
    if (shown.current === kind) return;
    shown.current = kind;
    if (failed) return;
    const headings = main.current?.querySelectorAll<HTMLElement>('[data-screen-heading]');
    // A work screen has the clip's name first and, once there is news, the panel's heading after it.
    headings?.item(headings.length - 1)?.focus({ preventScroll: true });
    window.scrollTo({ top: 0 });
  }, [kind, failed, main, shown]);
  return null;
}
