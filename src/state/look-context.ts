/** The look bound to React. */

import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { Look, LookState } from './look.ts';

export const LookContext = createContext<Look | null>(null);

/** @throws Error outside of a provider. */
export function useLook(): Look {
  const look = useContext(LookContext);
  if (look === null) throw new Error('useLook needs a LookContext above it');
  return look;
}

export function useLookState<T>(select: (state: LookState) => T): T {
  return useStore(useLook().store, select);
}
