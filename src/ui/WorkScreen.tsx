import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import { createLadder } from '../state/ladder.ts';
import { LadderContext } from '../state/ladder-context.ts';
import { createLook } from '../state/look.ts';
import { LookContext } from '../state/look-context.ts';
import { canEnhance, type FinishedPhase, type ReadyPhase, type RunningPhase } from '../state/phase.ts';
import { createProbe } from '../state/probe.ts';
import { ProbeContext } from '../state/probe-context.ts';
import { useQueueState } from '../state/queue-context.ts';
import { useSession, useSessionState } from '../state/react.ts';
import { Compare } from './compare/Compare.tsx';
import { InspectionProvider, WithInspection } from './compare/InspectionProvider.tsx';
import { FidelityPanel } from './fidelity/FidelityPanel.tsx';
import { HistoryPanel } from './history/HistoryPanel.tsx';
import { Ladder } from './ladder/Ladder.tsx';
import { Button } from './pieces/Button.tsx';
import { PlanPanel, PlanVerdict } from './plan/PlanPanel.tsx';
import { EnhanceAllButton, QueueActions, QueuePanel } from './queue/QueuePanel.tsx';
import { RecipeRow } from './recipe/RecipeRow.tsx';
import { EarlierResults, ResultPanel } from './results/ResultPanel.tsx';
import { LatestPair } from './running/LatestPair.tsx';
import { ProgressPanel, RunActions } from './running/ProgressPanel.tsx';
import { SettingsPanel } from './settings/SettingsPanel.tsx';
import { ClipStrip } from './stage/ClipStrip.tsx';
import { Poster } from './stage/Poster.tsx';
import { Stage } from './stage/Stage.tsx';
import { Timeline } from './timeline/Timeline.tsx';
import { UnfinishedJobs } from './unfinished/UnfinishedJobs.tsx';
import styles from './WorkScreen.module.css';
import { words } from './words.ts';

type WorkPhase = ReadyPhase | RunningPhase | FinishedPhase;

interface WorkScreenProps {
  readonly phase: WorkPhase;
  /** The name of a further file that is being opened over this one. */
  readonly opening: string | null;
  readonly onChoose: () => void;
}

/** With a clip: the picture on the left, what to do about it on the right. */
export function WorkScreen({ phase, opening, onChoose }: WorkScreenProps) {
  const session = useSession();
  const { info } = phase.clip;
  const running = phase.kind === 'running';
  const [look] = useState(() => createLook(session));
  const [ladder] = useState(() => createLadder(session, look));
  useEffect(() => look.follow(), [look]);
  useEffect(() => ladder.follow(), [ladder]);
  const [probe] = useState(() => createProbe(session));
  useEffect(() => probe.follow(), [probe]);
  const laddered = useStore(ladder.store, (state) => state.open) && phase.kind === 'ready';
  return (
    <InspectionProvider result={phase.kind === 'finished' ? phase.result : null}>
      <LookContext value={look}>
        <LadderContext value={ladder}>
          <ProbeContext value={probe}>
            <div
              className={styles.screen}
              data-phase={phase.kind}
              data-ladder={laddered}
              style={{ '--clip-ratio': info.width / info.height } as React.CSSProperties}
            >
              <div className={styles.picture}>
                <Stage>
                  {phase.kind === 'ready' ? laddered ? <Ladder /> : <Poster clip={phase.clip} /> : null}
                  {phase.kind === 'running' ? <LatestPair phase={phase} /> : null}
                  {phase.kind === 'finished' ? (
                    <WithInspection>
                      <Compare key={phase.result.id} result={phase.result} />
                    </WithInspection>
                  ) : null}
                </Stage>
                {phase.kind === 'ready' ? <Timeline info={info} /> : null}
                <ClipStrip clip={phase.clip}>
                  {running ? null : (
                    <>
                      {phase.kind === 'finished' ? (
                        <Button onClick={session.backToClip} look="quiet">
                          {words.result.backToClip}
                        </Button>
                      ) : null}
                      <Button onClick={session.startOver} look="quiet">
                        {words.result.startOver}
                      </Button>
                      <Button onClick={onChoose}>{words.clip.another}</Button>
                    </>
                  )}
                </ClipStrip>
                {opening === null ? null : <p role="status">{words.opening(opening)}</p>}
              </div>
              <div className={styles.side}>
                <Side phase={phase} opening={opening !== null} onChoose={onChoose} />
              </div>
            </div>
          </ProbeContext>
        </LadderContext>
      </LookContext>
    </InspectionProvider>
  );
}

interface SideProps {
  readonly phase: WorkPhase;
  /** Another clip is about to take this one's place. */
  readonly opening: boolean;
  readonly onChoose: () => void;
}

function Side({ phase, opening, onChoose }: SideProps) {
  const results = useSessionState((state) => state.results);
  if (phase.kind === 'running') {
    return (
      <>
        <ProgressPanel phase={phase} />
        <QueuePanel running onChoose={onChoose} />
        <EarlierResults results={results} />
        <div className={styles.action}>
          <RunActions flow={phase.run.flow} />
        </div>
      </>
    );
  }
  const shownResult = phase.kind === 'finished' ? phase.result : null;
  const blocked = opening || !canEnhance(phase.plan);
  return (
    <>
      {shownResult === null ? null : <ResultPanel result={shownResult} />}
      <WithInspection>
        <FidelityPanel sourceWidth={phase.clip.info.width} sourceHeight={phase.clip.info.height} />
      </WithInspection>
      <QueuePanel onChoose={onChoose} />
      <UnfinishedJobs onChoose={onChoose} />
      <EarlierResults results={results.filter(({ id }) => id !== shownResult?.id)} />
      <HistoryPanel exceptJobId={shownResult?.jobId ?? null} onChoose={onChoose} />
      <SettingsPanel heading={shownResult === null ? null : words.result.again} info={phase.clip.info} />
      <RecipeRow />
      <PlanPanel info={phase.clip.info} plan={phase.plan} />
      <div className={shownResult === null ? styles.action : styles.furtherAction}>
        <div id="plan-verdict" className={styles.verdict}>
          <PlanVerdict plan={phase.plan} />
        </div>
        <div className={styles.starts}>
          <EnhanceAllButton disabled={blocked} />
          <EnhanceButton phase={phase} disabled={blocked} />
          <QueueActions disabled={blocked} />
        </div>
      </div>
    </>
  );
}

interface EnhanceButtonProps {
  readonly phase: ReadyPhase | FinishedPhase;
  readonly disabled: boolean;
}

function EnhanceButton({ phase, disabled }: EnhanceButtonProps) {
  const session = useSession();
  const several = useQueueState((state) => state.companions.length > 0);
  return (
    <Button
      wide={!several}
      className={styles.enhance}
      look={several || phase.kind === 'finished' ? 'secondary' : 'primary'}
      disabled={disabled}
      aria-describedby="plan-verdict"
      onClick={session.enhance}
    >
      {words.run.enhance}
    </Button>
  );
}
