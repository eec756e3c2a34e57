/** The ladder bound to React. */

import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { Ladder, LadderState } from './ladder.ts';

export const LadderContext = createContext<Ladder | null>(null);

/** @throws Error outside of a provider. */
export function useLadder(): Ladder {
  const ladder = useContext(LadderContext);
  if (ladder === null) throw new Error('useLadder needs a LadderContext above it');
  return ladder;
}

export function useLadderState<T>(select: (state: LadderState) => T): T {
  return useStore(useLadder().store, select);
}
