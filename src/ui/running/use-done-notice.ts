import { useEffect, useRef } from 'react';
import { useSessionState } from '../../state/react.ts';
import { words } from '../words.ts';
import { notify } from './notify.ts';

/** Tells when a run ends, however it ends but by the person's own cancel. */
export function useDoneNotice(): void {
  const phase = useSessionState((state) => state.phase);
  const failed = useSessionState((state) => state.failure !== null);
  const running = useRef<string | null>(null);
  useEffect(() => {
    if (phase.kind === 'running') {
      running.current = phase.clip.file.name;
      return;
    }
    const name = running.current;
    running.current = null;
    if (name === null) return;
    if (phase.kind === 'finished') void notify(words.notify.done(name), words.notify.doneBody);
    else if (failed) void notify(words.notify.failed(name), words.notify.failedBody);
  }, [phase, failed]);
}
