import type { InstalledModel } from '../../../workers/models/store/package-store.ts';
import { settingsOfModel, useModels, useModelsState } from '../../state/models-context.ts';
import { useSession, useSessionState } from '../../state/react.ts';
import { Alert } from '../failure/Alert.tsx';
import { formatBytes, formatCount } from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { Dialog } from '../pieces/Dialog.tsx';
import { words } from '../words.ts';
import { ImportPanel } from './ImportPanel.tsx';
import styles from './ModelManager.module.css';
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
    <Dialog wide heading={words.models.heading} closeLabel={words.models.close} onClose={models.closeManager}>
      <Contents />
    </Dialog>
  );
}

function Contents() {
  const models = useModels();
  const { library, failure, underWay, inspection } = useModelsState((state) => state);
  return (
    <>
      {failure === null ? null : <Alert title={words.models.failed} error={failure} />}
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
            {words.models.unfinished(each.name, formatBytes(each.doneBytes), formatBytes(each.totalBytes))}
            <br />
            <span className={styles.facts}>{words.models.unfinishedHint(each.fileNames.join(', '))}</span>
          </p>
          <Button
            aria-label={words.models.removeNamed(each.id)}
            disabled={underWay !== null}
            onClick={() => void models.remove(each.id)}
          >
            {words.models.remove}
          </Button>
        </div>
      ))}
      <p className={styles.facts}>
        {words.models.stored} {library.freeBytes === null ? null : words.models.free(formatBytes(library.freeBytes))}
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
        <strong>{words.models.nano}</strong> {inUse ? <span className={styles.badge}>{words.models.inUse}</span> : null}
        <br />
        <span className={styles.facts}>{words.models.nanoFacts}</span>
      </p>
      {inUse ? null : (
        <Button
          aria-label={words.models.takeNamed(words.models.nano)}
          onClick={() => session.changeSettings(settingsOfModel(NANO, false))}
        >
          {words.models.use}
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
        <strong>{model.id}</strong> {inUse ? <span className={styles.badge}>{words.models.inUse}</span> : null}
        <br />
        <span className={styles.facts}>
          {words.models.facts(formatBytes(model.bytes), model.precision, formatCount(model.parameters))}
          <br />
          {model.licence}
        </span>
        <span role="status">{verified ? ` ${words.models.verified}` : null}</span>
      </p>
      <div className={styles.actions}>
        {inUse ? null : (
          <Button
            aria-label={words.models.takeNamed(model.id)}
            disabled={running}
            onClick={() => session.changeSettings(settingsOfModel(model.id, model.prompted))}
          >
            {words.models.use}
          </Button>
        )}
        <Button
          aria-label={words.models.verifyNamed(model.id)}
          disabled={busy}
          onClick={() => void models.verify(model.id)}
        >
          {words.models.verify}
        </Button>
        {showDirectoryPicker === undefined ? null : (
          <Button aria-label={words.models.exportNamed(model.id)} disabled={busy} onClick={() => void copy()}>
            {words.models.export}
          </Button>
        )}
        <Button
          look="quiet"
          aria-label={words.models.removeNamed(model.id)}
          disabled={busy || (inUse && running)}
          onClick={() => void remove()}
        >
          {words.models.remove}
        </Button>
      </div>
    </li>
  );
}
