import { useId } from 'react';
import { settingsOfModel, useModels, useModelsState } from '../../state/models-context.ts';
import { useSession, useSessionState } from '../../state/react.ts';
import { Button } from '../pieces/Button.tsx';
import fieldStyles from '../settings/Field.module.css';
import { words } from '../words.ts';
import styles from './ModelField.module.css';

/** Which model; shown once there is a choice. */
export function ModelField() {
  const id = useId();
  const session = useSession();
  const models = useModels();
  const model = useSessionState((state) => state.settings.model);
  const installed = useModelsState((state) => state.library.models);
  if (installed.length === 0) return null;
  const choose = (chosen: string): void => {
    const prompted = installed.find((each) => each.id === chosen)?.prompted ?? false;
    session.changeSettings(settingsOfModel(chosen, prompted));
  };
  return (
    <div className={styles.row}>
      <div className={fieldStyles.choice}>
        <label htmlFor={id} className={fieldStyles.label}>
          {words.models.field}
        </label>
        <select id={id} value={model} className={fieldStyles.select} onChange={(event) => choose(event.target.value)}>
          <option value="nano">{words.models.nano}</option>
          {installed.map((each) => (
            <option key={each.id} value={each.id}>
              {each.id}
            </option>
          ))}
        </select>
      </div>
      <Button look="quiet" onClick={models.openManager}>
        {words.models.open}…
      </Button>
    </div>
  );
}
