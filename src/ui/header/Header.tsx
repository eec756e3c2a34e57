import { useModels } from '../../state/models-context.ts';
import { DeviceLine } from '../device/DeviceLine.tsx';
import { Button } from '../pieces/Button.tsx';
import { words } from '../words.ts';
import styles from './Header.module.css';
import { Mark } from './Mark.tsx';

export function Header() {
  const models = useModels();
  return (
    <header className={styles.header}>
      <p className={styles.brand}>
        <Mark />
        {words.product}
      </p>
      <div className={styles.end}>
        <Button look="quiet" onClick={models.openManager}>
          {words.models.open}
        </Button>
        <DeviceLine />
      </div>
    </header>
  );
}
