/** The history bound to React. */

import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { HistoryShelf, HistoryState } from './history.ts';

export const HistoryContext = createContext<HistoryShelf | null>(null);

/** @throws Error outside of a provider. */
export function useHistory(): HistoryShelf {
  const history = useContext(HistoryContext);
  if (history === null) throw new Error('useHistory needs a HistoryContext above it');
  return history;
}

export function useHistoryState<T>(select: (state: HistoryState) => T): T {
  return useStore(useHistory().store, select);
}
