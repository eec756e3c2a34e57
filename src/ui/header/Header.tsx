import { DeviceLine } from '../device/DeviceLine.tsx';
import { words } from '../words.ts';
import styles from './Header.module.css';
import { Mark } from './Mark.tsx';

export function Header() {
  return (
    <header className={styles.header}>
      <p className={styles.brand}>
        <Mark />
        {words.product}
      </p>
      <DeviceLine />
    </header>
  );
}
