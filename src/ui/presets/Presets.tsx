import { useId } from 'react';
import { carePatch, carePreset, farPatch, farPreset } from '../../state/presets.ts';
import { useSession, useSessionState } from '../../state/react.ts';
import { words } from '../words.ts';
import styles from './Presets.module.css';

/** Recipes in a word: how far to go, how carefully. None is marked where the recipe is the person's own. */
export function Presets() {
  const session = useSession();
  const settings = useSessionState((state) => state.settings);
  const { far, care } = words.presets;
  return (
    <div className={styles.presets}>
      <Choice
        legend={words.presets.farLegend}
        names={far}
        chosen={farPreset(settings)}
        onChoose={(preset) => session.changeSettings(farPatch(preset))}
      />
      <Choice
        legend={words.presets.careLegend}
        names={care}
        chosen={carePreset(settings)}
        onChoose={(preset) => session.changeSettings(carePatch(settings.model, preset))}
      />
    </div>
  );
}

interface ChoiceProps<T extends string> {
  readonly legend: string;
  readonly names: Readonly<Record<T, string>>;
  readonly chosen: T | null;
  readonly onChoose: (name: T) => void;
}

function Choice<T extends string>({ legend, names, chosen, onChoose }: ChoiceProps<T>) {
  const group = useId();
  return (
    <fieldset className={styles.choice}>
      <legend className="visually-hidden">{legend}</legend>
      {(Object.entries(names) as [T, string][]).map(([name, text]) => (
        <label key={name} className={styles.option}>
          <input
            type="radio"
            name={group}
            value={name}
            checked={name === chosen}
            className={styles.radio}
            onChange={() => onChoose(name)}
          />
          <span className={styles.name}>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}
