import { useId } from 'react';
import type { Settings } from '../../../workers/plan/settings.ts';
import { useModelsState } from '../../state/models-context.ts';
import { useSession, useSessionState } from '../../state/react.ts';
import type { SettingRange } from '../../state/setting-ranges.ts';
import { ChoiceField } from '../settings/ChoiceField.tsx';
import fieldStyles from '../settings/Field.module.css';
import { NumberField } from '../settings/NumberField.tsx';
import { words } from '../words.ts';
import styles from './PromptFields.module.css';

const GUIDANCE_RANGE: SettingRange = { min: 1, max: 20, step: 0.5, whole: false };

/** Whether the chosen model takes text. */
function usePrompted(): boolean {
  const model = useSessionState((state) => state.settings.model);
  return useModelsState((state) => state.library.models.some(({ id, prompted }) => id === model && prompted));
}

/** What a model that takes text is told; nothing for one that takes none. */
export function PromptFields() {
  const session = useSession();
  const settings = useSessionState((state) => state.settings);
  const change = (patch: Partial<Settings>): void => session.changeSettings(patch);
  if (!usePrompted()) return null;
  return (
    <>
      <TextField
        label={words.models.prompt}
        value={settings.prompt}
        placeholder={words.models.promptPlaceholder}
        hint={words.models.promptHint}
        onChange={(prompt) => change({ prompt })}
      />
      <TextField
        label={words.models.negative}
        value={settings.negativePrompt}
        placeholder={words.models.negativePlaceholder}
        onChange={(negativePrompt) => change({ negativePrompt })}
      />
      <NumberField
        label={words.models.guidance}
        value={settings.guidance}
        range={GUIDANCE_RANGE}
        hint={words.models.guidanceHint}
        onChange={(guidance) => change({ guidance })}
      />
    </>
  );
}

/** Where such a model departs from an even plan of steps; for the settings that are folded away. */
export function ReferenceFields() {
  const session = useSession();
  const { stepPlan, scaleCondition } = useSessionState((state) => state.settings);
  if (!usePrompted()) return null;
  return (
    <>
      <ChoiceField
        label={words.models.stepPlan}
        value={stepPlan}
        choices={words.models.stepPlans}
        onChange={(chosen) => session.changeSettings({ stepPlan: chosen })}
      />
      <ChoiceField
        label={words.models.scaleCondition}
        value={scaleCondition}
        choices={words.models.scaleConditions}
        onChange={(chosen) => session.changeSettings({ scaleCondition: chosen })}
      />
    </>
  );
}

interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly placeholder: string;
  readonly hint?: string;
  readonly onChange: (value: string) => void;
}

function TextField({ label, value, placeholder, hint, onChange }: TextFieldProps) {
  const id = useId();
  return (
    <div className={fieldStyles.field}>
      <label htmlFor={id} className={fieldStyles.label}>
        {label}
      </label>
      <textarea
        id={id}
        rows={2}
        value={value}
        placeholder={placeholder}
        aria-describedby={hint === undefined ? undefined : `${id}-note`}
        className={styles.text}
        onChange={(event) => onChange(event.target.value)}
      />
      {hint === undefined ? null : (
        <p id={`${id}-note`} className={fieldStyles.note}>
          {hint}
        </p>
      )}
    </div>
  );
}
