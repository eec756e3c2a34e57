import { useEffect, useState } from 'react';
import { words } from '../words.ts';
import { Button, type ButtonProps } from './Button.tsx';

interface CopyButtonProps {
  readonly text: () => string;
  readonly label: string;
  /** Where the label alone doesn't say of what. */
  readonly accessibleName?: string;
  readonly look?: NonNullable<ButtonProps['look']>;
}

const SAID_FOR_MS = 2500;

/** Copies a text, and says so for a moment. */
export function CopyButton({ text, label, accessibleName, look = 'quiet' }: CopyButtonProps) {
  const [said, say] = useState<'nothing' | 'copied' | 'failed'>('nothing');
  useEffect(() => {
    if (said === 'nothing') return;
    const timer = setTimeout(() => say('nothing'), SAID_FOR_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text());
      say('copied');
    } catch {
      say('failed');
    }
  };
  const shown = { nothing: label, copied: words.copied, failed: words.copyFailed }[said];
  return (
    <>
      <Button look={look} aria-label={said === 'nothing' ? accessibleName : undefined} onClick={() => void copy()}>
        {shown}
      </Button>
      <span role="status" className="visually-hidden">
        {said === 'nothing' ? null : shown}
      </span>
    </>
  );
}
