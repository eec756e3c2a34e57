import type { InstalledModel } from '../../../workers/models/store/package-store.ts';
import { settingsOfModel, useModels, useModelsState } from '../../state/models-context.ts';
import { useSession, useSessionState } from '../../state/react.ts';
import { Alert } from '../failure/Alert.tsx';
import { formatBytes, formatCount } from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { Dialog } from '../pieces/Dialog.tsx';
import { ImportPanel } from './ImportPanel.tsx';
import styles from './ModelManager.module.css';
import { modelWords } from './model-words.ts';
import { WorkUnderWay } from './WorkUnderWay.tsx';

const NANO = 'nano';

/** The browser's own dialog for choosing a folder, where it has one. */
interface FolderWindow extends Window {
  showDirectoryPicker?(options: { mode: 'readwrite' }): Promise<FileSystemDirectoryHandle>;
}

/** Installed models and how to come by one: a dialog over the page. */
export function ModelManager() {
  const models = useModels();
  const open = useModelsState((state) => state.managerOpen);
  if (!open) return null;
  return (
    <Dialog wide heading={modelWords.heading} closeLabel={modelWords.close} onClose={models.closeManager}>
      <Contents />
    </Dialog>
  );
}

function Contents() {
  const models = useModels();
  const { library, failure, underWay, inspection } = useModelsState((state) => state);
  return (
    <>
      {failure === null ? null : <Alert title={modelWords.failed} error={failure} />}
      {underWay === null ? null : <WorkUnderWay underWay={underWay} />}
      <ul className={styles.list}>
        <Nano />
        {library.models.map((model) => (
          <Installed key={model.id} model={model} />
        ))}
      </ul>
      {library.unfinished.map((each) => (
        <div key={each.id} className={styles.item} data-unfinished={each.id}>
          <p>
            {modelWords.unfinished(each.name, formatBytes(each.doneBytes), formatBytes(each.totalBytes))}
            <br />
            <span className={styles.facts}>{modelWords.unfinishedHint(each.fileNames.join(', '))}</span>
          </p>
          <Button
            aria-label={modelWords.removeNamed(each.id)}
            disabled={underWay !== null}
            onClick={() => void models.remove(each.id)}
          >
            {modelWords.remove}
          </Button>
        </div>
      ))}
      <p className={styles.facts}>
        {modelWords.stored} {library.freeBytes === null ? null : modelWords.free(formatBytes(library.freeBytes))}
      </p>
      <ImportPanel inspection={inspection} />
    </>
  );
}

function Nano() {
  const session = useSession();
  const inUse = useSessionState((state) => state.settings.model === NANO);
  return (
    <li className={styles.item}>
      <p>
        <strong>{modelWords.nano}</strong> {inUse ? <span className={styles.badge}>{modelWords.inUse}</span> : null}
        <br />
        <span className={styles.facts}>{modelWords.nanoFacts}</span>
      </p>
      {inUse ? null : (
        <Button
          aria-label={modelWords.takeNamed(modelWords.nano)}
          onClick={() => session.changeSettings(settingsOfModel(NANO, false))}
        >
          {modelWords.use}
        </Button>
      )}
    </li>
  );
}

function Installed({ model }: { readonly model: InstalledModel }) {
  const session = useSession();
  const models = useModels();
  const inUse = useSessionState((state) => state.settings.model === model.id);
  const running = useSessionState((state) => state.phase.kind === 'running');
  const busy = useModelsState((state) => state.underWay !== null);
  const verified = useModelsState((state) => state.verifiedIds.includes(model.id));
  const { showDirectoryPicker } = window as FolderWindow;
  const copy = async (): Promise<void> => {
    // Closed without a choice: nothing to do.
    const folder = await showDirectoryPicker?.call(window, { mode: 'readwrite' }).catch(() => null);
    if (folder) await models.copyTo(model.id, folder);
  };
  const remove = async (): Promise<void> => {
    if (inUse) session.changeSettings(settingsOfModel(NANO, false));
    await models.remove(model.id);
  };
  return (
    <li className={styles.item} data-model={model.id}>
      <p className={styles.text}>
        <strong>{model.id}</strong> {inUse ? <span className={styles.badge}>{modelWords.inUse}</span> : null}
        <br />
        <span className={styles.facts}>
          {modelWords.facts(formatBytes(model.bytes), model.precision, formatCount(model.parameters))}
          <br />
          {model.licence}
        </span>
        <span role="status">{verified ? ` ${modelWords.verified}` : null}</span>
      </p>
      <div className={styles.actions}>
        {inUse ? null : (
          <Button
            aria-label={modelWords.takeNamed(model.id)}
            disabled={running}
            onClick={() => session.changeSettings(settingsOfModel(model.id, model.prompted))}
          >
            {modelWords.use}
          </Button>
        )}
        <Button
          aria-label={modelWords.verifyNamed(model.id)}
          disabled={busy}
          onClick={() => void models.verify(model.id)}
        >
          {modelWords.verify}
        </Button>
        {showDirectoryPicker === undefined ? null : (
          <Button aria-label={modelWords.exportNamed(model.id)} disabled={busy} onClick={() => void copy()}>
            {modelWords.export}
          </Button>
        )}
        <Button
          look="quiet"
          aria-label={modelWords.removeNamed(model.id)}
          disabled={busy || (inUse && running)}
          onClick={() => void remove()}
        >
          {modelWords.remove}
        </Button>
      </div>
    </li>
  );
}
