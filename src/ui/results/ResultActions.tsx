import { useState } from 'react';
import type { FinishedResult } from '../../state/phase.ts';
import { useSession } from '../../state/react.ts';
import { fileStem } from '../format.ts';
import { Button } from '../pieces/Button.tsx';
import { saveFile } from '../pieces/save-file.ts';
import { canSaveToFolder, saveToFolder } from '../pieces/save-to-folder.ts';
import { words } from '../words.ts';
import styles from './ResultPanel.module.css';

/** What can be done with the file: download, and where the browser can, save to a folder or share. */
export function ResultActions({ result }: { readonly result: FinishedResult }) {
  const session = useSession();
  const [said, say] = useState<string | null>(null);
  const name = words.result.fileName(fileStem(result.clip.file.name));
  const shared = new File([result.output], name, { type: 'video/mp4' });
  const canShare = navigator.canShare?.({ files: [shared] }) ?? false;

  const save = async (): Promise<void> => {
    try {
      const saved = await saveToFolder(result.output, name);
      if (saved === null) return;
      session.markWritten(result.id);
      say(words.result.savedTo(saved.name, saved.folder));
    } catch {
      say(words.result.notSaved);
    }
  };
  const share = async (): Promise<void> => {
    try {
      await navigator.share({ files: [shared], title: name });
      session.markDownloaded(result.id);
    } catch (error) {
      if (!(error instanceof DOMException && error.name === 'AbortError')) say(words.result.notShared);
    }
  };
  return (
    <div className={styles.actions}>
      <Button
        look="primary"
        wide
        onClick={() => {
          saveFile(result.output, name);
          session.markDownloaded(result.id);
        }}
      >
        {words.result.download}
      </Button>
      {canSaveToFolder() || canShare ? (
        <div className={styles.more}>
          {canSaveToFolder() ? <Button onClick={() => void save()}>{words.result.saveToFolder}</Button> : null}
          {canShare ? <Button onClick={() => void share()}>{words.result.share}</Button> : null}
        </div>
      ) : null}
      <p role="status" className={styles.said}>
        {said}
      </p>
    </div>
  );
}
