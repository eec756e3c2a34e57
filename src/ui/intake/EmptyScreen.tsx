import { useSession, useSessionState } from '../../state/react.ts';
import { fetchSample } from '../../state/sample.ts';
import { DeviceSentence } from '../device/DeviceSentence.tsx';
import { OfflineSentence } from '../offline/OfflineSentence.tsx';
import { Button } from '../pieces/Button.tsx';
import { words } from '../words.ts';
import styles from './EmptyScreen.module.css';

interface EmptyScreenProps {
  readonly holding: boolean;
  readonly onChoose: () => void;
}

/** Before there is a clip: one promise, one big target. Also shown while the first clip is being opened. */
export function EmptyScreen({ holding, onChoose }: EmptyScreenProps) {
  const session = useSession();
  const opening = useSessionState(({ phase }) => (phase.kind === 'probing' ? phase.fileName : null));
  const openSample = (): void => {
    void session.open(words.sampleFileName, fetchSample(new URL('samples/sample.mp4', document.baseURI).href));
  };
  return (
    <div className={styles.screen}>
      <div className={styles.intro}>
        <h1 tabIndex={-1} data-screen-heading className={styles.headline}>
          {words.empty.headline}
        </h1>
        <p className={styles.lead}>{words.empty.lead}</p>
      </div>

      <section className={styles.zone} data-holding={holding} aria-label={words.empty.choose}>
        {/* The whole zone is the target; the button in it is what keyboards and screen readers meet. */}
        <button type="button" className={styles.surface} tabIndex={-1} aria-hidden="true" onClick={onChoose} />
        {opening === null ? (
          <div className={styles.invitation}>
            {/* A finger has nothing to drop. */}
            <p className={styles.drop} data-for="mouse">
              {holding ? words.empty.release : words.empty.drop}
            </p>
            <p className={styles.drop} data-for="touch">
              {words.empty.begin}
            </p>
            <p className={styles.formats}>
              {words.empty.formats}
              <span data-for="mouse">, {words.empty.paste}</span>
            </p>
            <div className={styles.actions}>
              <Button look="primary" className={styles.choose} onClick={onChoose}>
                {words.empty.choose}
              </Button>
              <Button look="stage" className={styles.sample} onClick={openSample}>
                {words.empty.sample}
              </Button>
            </div>
          </div>
        ) : (
          <p className={styles.drop}>{words.opening(opening)}</p>
        )}
        <p className={styles.promise}>{words.empty.promise}</p>
      </section>

      <div className={styles.foot}>
        <ul className={styles.facts}>
          {words.empty.facts.map(({ figure, text }) => (
            <li key={text}>
              <span className={styles.figure}>{figure}</span> {text}
            </li>
          ))}
        </ul>
        <DeviceSentence />
        <OfflineSentence />
      </div>
    </div>
  );
}
