import type { ComponentProps } from 'react';
import styles from './Button.module.css';

export interface ButtonProps extends ComponentProps<'button'> {
  /** `primary` is the one obvious action of a screen. */
  readonly look?: 'primary' | 'secondary' | 'quiet' | 'stage';
  readonly wide?: boolean;
}

export function Button({ look = 'secondary', wide = false, className, ...rest }: ButtonProps) {
  const classes = [styles.button, styles[look], wide ? styles.wide : '', className ?? ''].filter(Boolean).join(' ');
  return <button type="button" className={classes} {...rest} />;
}
