/** Recipes that come with the address, at the start and when it changes, and those pasted anywhere but into a field. */

import { useEffect } from 'react';
import { useSession } from '../../state/react.ts';
import { takeRecipe } from '../../state/shared-recipe.ts';

export function useRecipeIntake(onTaken: () => void): void {
  const session = useSession();
  useEffect(() => {
    const fromAddress = (): void => {
      if (takeRecipe(session, location.hash)) onTaken();
    };
    const fromPaste = (event: ClipboardEvent): void => {
      const into = event.target as HTMLElement;
      if (into.closest?.('input, textarea') || (event.clipboardData?.files.length ?? 0) > 0) return;
      if (takeRecipe(session, event.clipboardData?.getData('text') ?? '')) {
        event.preventDefault();
        onTaken();
      }
    };
    fromAddress();
    window.addEventListener('hashchange', fromAddress);
    window.addEventListener('paste', fromPaste);
    return () => {
      window.removeEventListener('hashchange', fromAddress);
      window.removeEventListener('paste', fromPaste);
    };
  }, [session, onTaken]);
}
