import { useState } from 'react';
import { recipeText } from '../../../workers/plan/recipe-code.ts';
import { useHistoryState } from '../../state/history-context.ts';
import { useSession, useSessionState } from '../../state/react.ts';
import { recipeLink, takeRecipe } from '../../state/shared-recipe.ts';
import { Button } from '../pieces/Button.tsx';
import { CopyButton } from '../pieces/CopyButton.tsx';
import { words } from '../words.ts';
import styles from './RecipeRow.module.css';
import { recipeSummary } from './recipe-summary.ts';

/** The recipe to take away and to bring: as text, as a link, pasted. */
export function RecipeRow() {
  const session = useSession();
  const settings = useSessionState((state) => state.settings);
  const [pasting, setPasting] = useState(false);
  const [said, say] = useState<'nothing' | 'taken' | 'none'>('nothing');

  const madeBy = useHistoryState((state) => state.madeBy);

  const take = (text: string): void => {
    const taken = takeRecipe(session, text);
    say(taken ? 'taken' : 'none');
    if (taken) setPasting(false);
  };
  const paste = async (): Promise<void> => {
    // Where the clipboard can't be read, or holds no recipe, there is a field to paste into.
    const text = await navigator.clipboard.readText?.().catch(() => null);
    if (text && takeRecipe(session, text)) say('taken');
    else setPasting(true);
  };
  /** Copied, and put in the page's own address too, so that a reload or a bookmark keeps it. */
  const link = (): string => {
    const address = recipeLink(settings, document.baseURI);
    history.replaceState(history.state, '', new URL(address).hash);
    return address;
  };

  return (
    <div className={styles.recipe}>
      <fieldset className={styles.row}>
        <legend className={styles.legend}>{words.recipe.heading}</legend>
        <CopyButton text={() => recipeText(settings)} label={words.recipe.copy} />
        <CopyButton text={link} label={words.recipe.copyLink} />
        <Button look="quiet" aria-expanded={pasting} onClick={() => void paste()}>
          {words.recipe.paste}
        </Button>
      </fieldset>
      {pasting ? (
        <label className={styles.field}>
          {words.recipe.pasteHere}
          <textarea
            rows={2}
            className={styles.text}
            // biome-ignore lint/a11y/noAutofocus: it appears because a person asked to paste
            autoFocus
            onChange={(event) => take(event.target.value)}
          />
        </label>
      ) : null}
      {madeBy === null ? null : (
        <p className={styles.madeBy}>
          {words.recipe.madeBy(recipeSummary(madeBy))}{' '}
          <Button look="quiet" onClick={() => take(recipeText({ ...madeBy, range: null }))}>
            {words.recipe.takeIts}
          </Button>
        </p>
      )}
      <p role="status" className={styles.said}>
        {said === 'taken' ? words.recipe.taken : null}
        {said === 'none' ? words.recipe.none : null}
      </p>
    </div>
  );
}
