import { useId, useState } from 'react';
import type { Precision } from '../../../workers/models/manifest.ts';
import type { InspectedFile, Inspection } from '../../../workers/models/store/inspection.ts';
import { settingsOfModel, useModels, useModelsState } from '../../state/models-context.ts';
import { useSession, useSessionState } from '../../state/react.ts';
import { Alert } from '../failure/Alert.tsx';
import { formatBytes } from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { words } from '../words.ts';
import styles from './ModelManager.module.css';

const { official } = words.models;

/** Which files the official model takes, where they come from, and their conversion. */
export function ImportPanel({ inspection }: { readonly inspection: Inspection | null }) {
  const models = useModels();
  const busy = useModelsState((state) => state.underWay !== null);
  const files = useModelsState((state) => state.files);
  const id = useId();
  return (
    <section className={styles.import} aria-labelledby={`${id}-heading`} onDragOver={(event) => event.preventDefault()}>
      <h3 id={`${id}-heading`}>{official.heading}</h3>
      <p>{official.lead}</p>
      <ol className={styles.origins}>
        {Object.values(official.origins).map(({ title, files: names, url, place, licence }) => (
          <li key={title}>
            <strong>{title}</strong>: {names}, {official.from} <Outside url={url} text={place} /> ({licence})
          </li>
        ))}
      </ol>
      <p className={styles.facts}>
        float16: <Outside url={official.fp16.url} text={official.fp16.place} />
      </p>
      <p className={styles.facts}>{words.models.package}</p>
      <label className={styles.chooser}>
        <span>
          {words.models.choose} {words.models.drop}
        </span>
        <input
          type="file"
          multiple
          aria-label={words.models.input}
          accept=".pt,.pth,.bin,.ckpt,.safetensors,.json,.onnx"
          disabled={busy}
          onChange={(event) => {
            const chosen = [...(event.target.files ?? [])];
            event.target.value = '';
            void models.addFiles(chosen);
          }}
        />
      </label>
      {inspection === null ? null : <Inspected inspection={inspection} />}
      {files.length === 0 ? null : (
        <Button look="quiet" disabled={busy} onClick={models.forgetFiles}>
          {words.models.forget}
        </Button>
      )}
    </section>
  );
}

function Inspected({ inspection }: { readonly inspection: Inspection }) {
  const session = useSession();
  const models = useModels();
  const busy = useModelsState((state) => state.underWay !== null);
  const running = useSessionState((state) => state.phase.kind === 'running');
  const [precision, setPrecision] = useState<Precision>('balanced');
  const { files, missing, packed, sizes, error } = inspection;
  const install = async (): Promise<void> => {
    const id = await models.install(precision);
    if (id === null || running) return;
    const prompted = models.store.getState().library.models.find((model) => model.id === id)?.prompted ?? true;
    session.changeSettings(settingsOfModel(id, prompted));
  };
  return (
    <>
      <ul className={styles.files}>
        {files.map((file) => (
          <li key={file.name} data-kind={file.kind ?? 'none'}>
            {file.name} ({formatBytes(file.bytes)}): {said(file)}
          </li>
        ))}
      </ul>
      {missing.length === 0 ? null : (
        <p role="status">{words.models.missing(missing.map((kind) => words.models.kinds[kind]).join(', '))}</p>
      )}
      {error === null ? null : <Alert title={words.models.unusable} error={error} />}
      {packed === null ? null : (
        <>
          <p>{words.models.packed(packed.name, formatBytes(packed.bytes))}</p>
          <Button look="primary" disabled={busy} onClick={() => void install()}>
            {words.models.install}
          </Button>
        </>
      )}
      {sizes.length === 0 ? null : (
        <>
          <fieldset className={styles.precisions}>
            <legend>{words.models.precision}</legend>
            {sizes.map(({ precision: each, bytes }) => (
              <label key={each}>
                <input
                  type="radio"
                  name="precision"
                  value={each}
                  checked={precision === each}
                  onChange={() => setPrecision(each)}
                />{' '}
                {words.models.needs(words.models.precisions[each], formatBytes(bytes))}
              </label>
            ))}
          </fieldset>
          <Button look="primary" disabled={busy || error !== null} onClick={() => void install()}>
            {words.models.install}
          </Button>
        </>
      )}
    </>
  );
}

function said({ error, description }: InspectedFile): string {
  return error === null ? description : `${words.models.unusable}. ${error.message}`;
}

function Outside({ url, text }: { readonly url: string; readonly text: string }) {
  return (
    <a href={url} target="_blank" rel="noreferrer">
      {text}
    </a>
  );
}
