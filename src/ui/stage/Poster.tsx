import { useLookState } from '../../state/look-context.ts';
import type { LoadedClip } from '../../state/phase.ts';
import { useSessionState } from '../../state/react.ts';
import { formatPosition } from '../format.ts';
import { PictureCanvas } from '../pieces/PictureCanvas.tsx';
import { words } from '../words.ts';
import styles from './Stage.module.css';

export function Poster({ clip }: { readonly clip: LoadedClip }) {
  const poster = useSessionState((state) => state.poster);
  const frame = useLookState((state) => state.frame);
  const momentUs = useLookState((state) => state.momentUs);
  const picture = frame ?? poster;
  if (picture === null) return <p className={styles.absent}>{words.clip.noPoster}</p>;
  const { name } = clip.file;
  const label = frame === null ? words.clip.posterOf(name) : words.clip.frameOf(name, formatPosition(momentUs / 1e6));
  return <PictureCanvas picture={picture} label={label} className={styles.picture} />;
}
