import type { Fidelity } from '../../../workers/inspection-protocol.ts';
import type { Picture } from '../../../workers/protocol.ts';
import { useInspection, useInspectionState } from '../../state/react.ts';
import { formatCount, formatDifference, formatPercent, formatPosition } from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { PictureCanvas } from '../pieces/PictureCanvas.tsx';
import { words } from '../words.ts';
import styles from './FidelityPanel.module.css';

/** Measured on two frames (docs/page.md): sharpening leaves 0.94 to 0.99, fine grain 0.86 to 0.90, coarse grain 0.6. */
const STRUCTURE_KEPT = 0.95;
const STRUCTURE_ALTERED = 0.85;
/** Measured likewise: sharpening and fine grain shift by 0.2 to 0.8; six degrees of hue or a sixth more saturation by 1.8 to 2.6. */
const COLOUR_NONE = 1;
const COLOUR_VISIBLE = 2;

/** How far the result is from its source, and where most: measured by the inspector, told in words. */
export function FidelityPanel({
  sourceWidth,
  sourceHeight,
}: {
  readonly sourceWidth: number;
  readonly sourceHeight: number;
}) {
  const state = useInspectionState(({ fidelity }) => fidelity);
  return (
    <section className={styles.panel} aria-labelledby="fidelity" aria-busy={state.kind === 'measuring'}>
      <h2 id="fidelity" className={styles.heading}>
        {words.fidelity.heading}
      </h2>
      {state.kind === 'measuring' ? <p className={styles.soft}>{words.fidelity.measuring}</p> : null}
      {state.kind === 'failed' ? <p className={styles.soft}>{words.fidelity.failed}</p> : null}
      {state.kind === 'measured' ? (
        <Measured fidelity={state.fidelity} sourceWidth={sourceWidth} sourceHeight={sourceHeight} />
      ) : null}
    </section>
  );
}

interface MeasuredProps {
  readonly fidelity: Fidelity;
  readonly sourceWidth: number;
  readonly sourceHeight: number;
}

function Measured({ fidelity, sourceWidth, sourceHeight }: MeasuredProps) {
  const inspection = useInspection();
  const { structure, colourShift, worst, worstBefore, worstAfter, samples, insertedFrames } = fidelity;
  return (
    <>
      <Reading
        name={words.fidelity.structure}
        value={words.fidelity.structureValue(formatPercent(Math.max(0, structure)))}
        meaning={structureMeaning(structure)}
        wary={structure < STRUCTURE_ALTERED}
        data-structure={structure.toFixed(4)}
      />
      <Reading
        name={words.fidelity.colour}
        value={words.fidelity.colourValue(formatDifference(colourShift))}
        meaning={colourMeaning(colourShift)}
        wary={colourShift >= COLOUR_VISIBLE}
        data-colour-shift={colourShift.toFixed(4)}
      />
      <figure className={styles.worst}>
        <div className={styles.crops}>
          <Crop picture={worstBefore} label={words.compare.before} />
          <Crop picture={worstAfter} label={words.compare.after} />
        </div>
        <figcaption className={styles.caption}>
          <span>
            {words.fidelity.worst(
              formatPosition(worst.timestampUs / 1e6),
              formatPercent(Math.max(0, worst.worst.structure)),
            )}
          </span>
          <Button look="quiet" onClick={() => inspection.lookAt(worst, sourceWidth, sourceHeight)}>
            {words.fidelity.look}
          </Button>
        </figcaption>
      </figure>
      <p className={styles.basis}>
        {words.fidelity.basis(formatCount(samples.length), insertedFrames === 0 ? null : formatCount(insertedFrames))}{' '}
        {words.fidelity.about}
      </p>
    </>
  );
}

function Crop({ picture, label }: { readonly picture: Picture; readonly label: string }) {
  return (
    <div className={styles.cropped}>
      <PictureCanvas picture={picture} label={label} className={styles.crop} />
      <span className={styles.tag} aria-hidden="true">
        {label}
      </span>
    </div>
  );
}

interface ReadingProps {
  readonly name: string;
  readonly value: string;
  readonly meaning: string;
  readonly wary: boolean;
}

function Reading({
  name,
  value,
  meaning,
  wary,
  ...handles
}: ReadingProps & Readonly<Record<`data-${string}`, string>>) {
  return (
    <div className={styles.reading} data-wary={wary} {...handles}>
      <p className={styles.figures}>
        <span>{name}</span>
        <span className={styles.value}>{value}</span>
      </p>
      <p className={styles.meaning}>{meaning}</p>
    </div>
  );
}

function structureMeaning(structure: number): string {
  const { kept, texture, altered } = words.fidelity.structureMeans;
  if (structure >= STRUCTURE_KEPT) return kept;
  return structure >= STRUCTURE_ALTERED ? texture : altered;
}

function colourMeaning(distance: number): string {
  const { none, slight, visible } = words.fidelity.colourMeans;
  if (distance < COLOUR_NONE) return none;
  return distance < COLOUR_VISIBLE ? slight : visible;
}
