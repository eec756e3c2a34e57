import { useId, useState } from 'react';
import { nearestInRange, parseInRange, type SettingRange } from '../../state/setting-ranges.ts';
import { words } from '../words.ts';
import styles from './Field.module.css';

interface NumberFieldProps {
  readonly label: string;
  readonly value: number;
  readonly range: SettingRange;
  readonly onChange: (value: number) => void;
  readonly unit?: string;
  /** A slider beneath, for the same value. */
  readonly slider?: { readonly valueText: (value: number) => string; readonly ends?: readonly [string, string] };
  readonly hint?: string | undefined;
  readonly action?: React.ReactNode;
}

/**
 * A number that can be typed, and slid where a slider helps.
 *
 * Handles for tests: the **number input** alone carries the exact accessible name (`Scale`); its slider is called
 * `Scale slider`. What is typed counts at once if it is allowed; what is not moves to the nearest allowed value when
 * the field is left.
 */
export function NumberField({ label, value, range, onChange, unit, slider, hint, action }: NumberFieldProps) {
  const id = useId();
  const [draft, setDraft] = useState<string | null>(null);
  const invalid = draft !== null && parseInRange(draft, range) === null;
  const note = invalid ? words.settings.allowed(range.min, range.max, range.whole) : hint;

  const type = (text: string): void => {
    setDraft(text);
    const parsed = parseInRange(text, range);
    if (parsed !== null) onChange(parsed);
  };
  const leave = (): void => {
    if (draft !== null && invalid) {
      const nearest = nearestInRange(draft, range);
      if (nearest !== null) onChange(nearest);
    }
    setDraft(null);
  };

  return (
    <div className={styles.field}>
      <div className={styles.head}>
        <label htmlFor={id} className={styles.label}>
          {label}
        </label>
        <span className={styles.entry}>
          {action}
          <span className={styles.box} data-invalid={invalid}>
            <input
              id={id}
              type="number"
              inputMode={range.whole ? 'numeric' : 'decimal'}
              min={range.min}
              max={range.max}
              step={range.step}
              value={draft ?? String(Math.round(value * 1e6) / 1e6)}
              aria-invalid={invalid}
              aria-describedby={note === undefined ? undefined : `${id}-note`}
              className={styles.number}
              data-long={range.max > 99}
              onChange={(event) => type(event.target.value)}
              onBlur={leave}
              onKeyDown={(event) => {
                if (event.key === 'Enter') leave();
              }}
            />
            {unit === undefined ? null : (
              <span className={styles.unit} aria-hidden="true">
                {unit}
              </span>
            )}
          </span>
        </span>
      </div>
      {slider === undefined ? null : (
        <>
          <input
            type="range"
            min={range.min}
            max={range.max}
            step={range.step}
            value={value}
            aria-label={words.settings.sliderOf(label)}
            aria-valuetext={slider.valueText(value)}
            className={styles.slider}
            style={{ '--filled': (value - range.min) / (range.max - range.min) } as React.CSSProperties}
            onChange={(event) => {
              setDraft(null);
              onChange(Number(event.target.value));
            }}
          />
          {slider.ends === undefined ? null : (
            <span className={styles.ends} aria-hidden="true">
              <span>{slider.ends[0]}</span>
              <span>{slider.ends[1]}</span>
            </span>
          )}
        </>
      )}
      {note === undefined ? null : (
        <p id={`${id}-note`} className={styles.note} data-invalid={invalid}>
          {note}
        </p>
      )}
    </div>
  );
}
