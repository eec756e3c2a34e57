import type { LoadedClip } from '../../state/phase.ts';
import { useSessionState } from '../../state/react.ts';
import { PictureCanvas } from '../pieces/PictureCanvas.tsx';
import { words } from '../words.ts';
import styles from './Stage.module.css';

export function Poster({ clip }: { readonly clip: LoadedClip }) {
  const poster = useSessionState((state) => state.poster);
  if (poster === null) return <p className={styles.absent}>{words.clip.noPoster}</p>;
  return <PictureCanvas picture={poster} label={words.clip.posterOf(clip.file.name)} className={styles.picture} />;
}
