/** The app's shell bound to React. */

import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { AppShell, ShellState } from './app-shell.ts';

export const AppShellContext = createContext<AppShell | null>(null);

/** @throws Error outside of a provider. */
export function useAppShell(): AppShell {
  const shell = useContext(AppShellContext);
  if (shell === null) throw new Error('useAppShell needs an AppShellContext above it');
  return shell;
}

export function useShellState<T>(select: (state: ShellState) => T): T {
  return useStore(useAppShell().store, select);
}
