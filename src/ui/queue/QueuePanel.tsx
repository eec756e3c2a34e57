import type { QueueEntry } from '../../../workers/protocol.ts';
import { useQueue, useQueueState } from '../../state/queue-context.ts';
import { formatPercent } from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { Icon } from '../pieces/Icon.tsx';
import { recipeSummary } from '../recipe/recipe-summary.ts';
import { words } from '../words.ts';
import styles from './QueuePanel.module.css';

interface QueuePanelProps {
  readonly onChoose: () => void;
  /** Whether a job runs: further clips are then for the queue. */
  readonly running?: boolean;
}

/** Clips that wait for their turn: put in order, held, let go. */
export function QueuePanel({ onChoose, running = false }: QueuePanelProps) {
  const queue = useQueue();
  const { entries, active, atWork, error } = useQueueState((state) => state);
  const further = (
    <Button look="quiet" className={styles.further} onClick={onChoose}>
      {words.queue.further}
    </Button>
  );
  if (entries.length === 0 && error === null) return running ? further : null;
  const waiting = entries.filter((entry) => entry.id !== atWork && entry.error === null).length;
  return (
    <section className={styles.panel} aria-labelledby="queue">
      <div className={styles.head}>
        <h2 id="queue" tabIndex={-1} className={styles.heading}>
          {words.queue.heading}
        </h2>
        {active ? (
          <Button onClick={() => void queue.hold()}>{words.queue.hold}</Button>
        ) : (
          <Button disabled={waiting === 0} onClick={() => void queue.start()}>
            {words.queue.start}
          </Button>
        )}
      </div>
      <p role="status" className={styles.said}>
        {words.queue.state(waiting, active, atWork !== null)}
      </p>
      {error === null ? null : (
        <p role="alert" data-code={error.code} className={styles.error}>
          {error.message} {error.hint}
        </p>
      )}
      <ol className={styles.list}>
        {entries.map((entry, place) => (
          <Item
            key={entry.id}
            entry={entry}
            isFirst={place === 0}
            isLast={place === entries.length - 1}
            onChoose={onChoose}
          />
        ))}
      </ol>
      {running ? further : null}
    </section>
  );
}

interface ItemProps {
  readonly entry: QueueEntry;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly onChoose: () => void;
}

function Item({ entry, isFirst, isLast, onChoose }: ItemProps) {
  const queue = useQueue();
  const atWork = useQueueState((state) => state.atWork === entry.id);
  const wanted = useQueueState((state) => state.wanted?.id === entry.id);
  const { id, fileName, settings, error, framesDone, frameCount } = entry;
  return (
    <li className={styles.item} data-queued={id} data-at-work={atWork}>
      <div className={styles.text}>
        <p className={styles.name} title={fileName}>
          {fileName}
        </p>
        <p className={styles.facts}>{recipeSummary(settings)}</p>
        {atWork ? <p className={styles.facts}>{words.queue.atWork}</p> : null}
        {!atWork && frameCount !== null && framesDone > 0 ? (
          <p className={styles.facts}>{words.queue.begun(formatPercent(framesDone / frameCount))}</p>
        ) : null}
        {error === null ? null : (
          <p className={styles.error} data-code={error.code}>
            {error.message} {error.hint}
          </p>
        )}
        <p role="status">{wanted ? words.unfinished.chooseAgain(fileName) : null}</p>
      </div>
      <div className={styles.actions}>
        {wanted ? <Button onClick={onChoose}>{words.empty.choose}</Button> : null}
        {error === null ? null : (
          <Button aria-label={words.queue.tryAgainNamed(fileName)} onClick={() => void queue.tryAgain(id)}>
            {words.queue.tryAgain}
          </Button>
        )}
        {atWork ? null : (
          <>
            <Button
              look="quiet"
              disabled={isFirst}
              aria-label={words.queue.earlierNamed(fileName)}
              title={words.queue.earlier}
              onClick={() => void queue.move(id, -1)}
            >
              <Icon name="up" />
            </Button>
            <Button
              look="quiet"
              disabled={isLast}
              aria-label={words.queue.laterNamed(fileName)}
              title={words.queue.later}
              onClick={() => void queue.move(id, 1)}
            >
              <Icon name="down" />
            </Button>
            <Button
              look="quiet"
              aria-label={words.queue.removeNamed(fileName)}
              title={words.queue.remove}
              onClick={() => void queue.remove(id)}
            >
              <Icon name="close" />
            </Button>
          </>
        )}
      </div>
    </li>
  );
}

/** The list stands above the settings, often out of sight. */
function showQueue(): void {
  const heading = document.getElementById('queue');
  heading?.scrollIntoView({ block: 'center' });
  heading?.focus({ preventScroll: true });
}

/** All that were chosen together; with them it is what Enhance is for a single clip. */
export function EnhanceAllButton({ disabled }: { readonly disabled: boolean }) {
  const queue = useQueue();
  const companions = useQueueState((state) => state.companions.length);
  if (companions === 0) return null;
  const all = async (): Promise<void> => {
    await queue.addShown();
    await queue.start();
  };
  return (
    <Button wide look="primary" disabled={disabled} aria-describedby="plan-verdict" onClick={() => void all()}>
      {words.queue.enhanceAll(companions + 1)}
    </Button>
  );
}

/** Beside Enhance: later instead of now. */
export function QueueActions({ disabled }: { readonly disabled: boolean }) {
  const queue = useQueue();
  const companions = useQueueState((state) => state.companions.length);
  const queued = useQueueState((state) => state.entries.length);
  return (
    <div className={styles.add}>
      <Button look="quiet" disabled={disabled} onClick={() => void queue.addShown()}>
        {companions === 0 ? words.queue.add : words.queue.addAll(companions + 1)}
      </Button>
      <span role="status">
        {queued === 0 ? null : (
          <Button look="quiet" onClick={showQueue}>
            {words.queue.showQueued(queued)}
          </Button>
        )}
      </span>
    </div>
  );
}
