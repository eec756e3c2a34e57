import type { ClipInfo } from '../../../workers/media/clip-info.ts';
import type { Settings } from '../../../workers/plan/settings.ts';
import { useSession, useSessionState } from '../../state/react.ts';
import { SETTING_RANGES } from '../../state/setting-ranges.ts';
import { ModelField } from '../models/ModelField.tsx';
import { PromptFields, ReferenceFields } from '../models/PromptFields.tsx';
import { SpaceTimePad } from '../pad/SpaceTimePad.tsx';
import { Button } from '../pieces/Button.tsx';
import { Icon } from '../pieces/Icon.tsx';
import { Presets } from '../presets/Presets.tsx';
import { words } from '../words.ts';
import { ChoiceField } from './ChoiceField.tsx';
import { KeepSourceField } from './KeepSourceField.tsx';
import { MemoryField } from './MemoryField.tsx';
import { NumberField } from './NumberField.tsx';
import styles from './SettingsPanel.module.css';

/** The recipe's controls: three that matter, and the rest folded away. */
export function SettingsPanel({ heading, info }: { readonly heading: string | null; readonly info: ClipInfo }) {
  const session = useSession();
  const settings = useSessionState((state) => state.settings);
  const change = (patch: Partial<Settings>): void => session.changeSettings(patch);
  return (
    <section className={styles.panel} aria-label={words.settings.heading}>
      {heading === null ? null : <h2 className={styles.heading}>{heading}</h2>}
      <ModelField />
      <PromptFields />
      <Presets />
      <SpaceTimePad info={info} />
      <NumberField
        label={words.settings.strength}
        value={settings.strength}
        range={SETTING_RANGES.strength}
        slider={{
          valueText: (value) => `${value}. ${strengthMeaning(value)}`,
          ends: [words.settings.strengthEnds.least, words.settings.strengthEnds.most],
        }}
        hint={strengthMeaning(settings.strength)}
        onChange={(strength) => change({ strength })}
      />
      <details className={styles.advanced}>
        <summary>{words.settings.advanced}</summary>
        <div className={styles.fields}>
          <NumberField
            label={words.settings.steps}
            value={settings.steps}
            range={SETTING_RANGES.steps}
            hint={words.settings.stepsHint}
            onChange={(steps) => change({ steps })}
          />
          <NumberField
            label={words.settings.seed}
            value={settings.seed}
            range={SETTING_RANGES.seed}
            action={
              <Button look="quiet" aria-label={words.settings.newSeed} onClick={() => change({ seed: newSeed() })}>
                <Icon name="shuffle" />
              </Button>
            }
            onChange={(seed) => change({ seed })}
          />
          <ReferenceFields />
          <ChoiceField
            label={words.settings.solver}
            value={settings.solver}
            choices={words.settings.solvers}
            onChange={(solver) => change({ solver })}
          />
          <ChoiceField
            label={words.settings.colourFix}
            value={settings.colourFix}
            choices={words.settings.colourFixes}
            onChange={(colourFix) => change({ colourFix })}
          />
          <ChoiceField
            label={words.settings.deflicker}
            value={settings.deflicker}
            choices={words.settings.deflickers}
            onChange={(deflicker) => change({ deflicker })}
          />
          <ChoiceField
            label={words.settings.codec}
            value={settings.codec}
            choices={words.settings.codecs}
            onChange={(codec) => change({ codec })}
          />
          <ChoiceField
            label={words.settings.quality}
            value={settings.quality}
            choices={words.settings.qualities}
            onChange={(quality) => change({ quality })}
          />
          <MemoryField />
          <KeepSourceField />
        </div>
      </details>
    </section>
  );
}

function strengthMeaning(strength: number): string {
  const { none, little, middle, much } = words.settings.strengthMeans;
  if (strength === 0) return none;
  if (strength <= 0.3) return little;
  return strength <= 0.6 ? middle : much;
}

function newSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
