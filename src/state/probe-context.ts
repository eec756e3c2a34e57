/** The probe bound to React. */

import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { Probe, ProbeState } from './probe.ts';

export const ProbeContext = createContext<Probe | null>(null);

/** @throws Error outside of a provider. */
export function useProbe(): Probe {
  const probe = useContext(ProbeContext);
  if (probe === null) throw new Error('useProbe needs a ProbeContext above it');
  return probe;
}

export function useProbeState(): ProbeState {
  return useStore(useProbe().store);
}
