import { useCallback, useEffect, useState } from 'react';
import { DEFAULT_SETTINGS } from '../../../workers/plan/settings.ts';
import { useSession, useSessionState } from '../../state/react.ts';
import { Button } from '../pieces/Button.tsx';
import { words } from '../words.ts';
import { recipeSummary } from './recipe-summary.ts';
import styles from './SharedRecipe.module.css';
import { useRecipeIntake } from './use-recipe-intake.ts';

/** Says that a recipe came with the address or was pasted, until there is a clip whose controls show it. */
export function SharedRecipe() {
  const session = useSession();
  const settings = useSessionState((state) => state.settings);
  const isEmpty = useSessionState(({ phase }) => phase.kind === 'empty' || phase.kind === 'probing');
  const [taken, setTaken] = useState(false);
  useRecipeIntake(useCallback(() => setTaken(true), []));
  // From then on the controls show it.
  useEffect(() => {
    if (!isEmpty) setTaken(false);
  }, [isEmpty]);
  const leave = (): void => {
    session.changeSettings(DEFAULT_SETTINGS);
    history.replaceState(history.state, '', location.pathname + location.search);
    setTaken(false);
  };
  return (
    <div role="status">
      {taken ? (
        <div className={styles.shared}>
          <p>
            <strong>{words.recipe.came}</strong> {recipeSummary(settings)}. {words.recipe.chooseFor}
          </p>
          <div className={styles.actions}>
            <Button look="quiet" onClick={leave}>
              {words.recipe.leave}
            </Button>
            <Button look="quiet" onClick={() => setTaken(false)}>
              {words.recipe.keep}
            </Button>
          </div>
        </div>
      ) : null}
    </div>
  );
}
