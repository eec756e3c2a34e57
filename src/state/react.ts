/** The session bound to React: the only file of this folder that knows React. */

import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { Inspection, InspectionState } from './inspection.ts';
import type { SessionState } from './phase.ts';
import type { Session } from './session.ts';

export const SessionContext = createContext<Session | null>(null);

/** What a person can do. @throws Error outside of a provider. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error('useSession needs a SessionContext above it');
  return session;
}

/** A part of the state; the component renders again only when that part changes (`Object.is`). */
export function useSessionState<T>(select: (state: SessionState) => T): T {
  return useStore(useSession().store, select);
}

export const InspectionContext = createContext<Inspection | null>(null);

/** What can be done with the result that is looked at. @throws Error outside of a provider. */
export function useInspection(): Inspection {
  const inspection = useContext(InspectionContext);
  if (inspection === null) throw new Error('useInspection needs an InspectionContext above it');
  return inspection;
}

export function useInspectionState<T>(select: (state: InspectionState) => T): T {
  return useStore(useInspection().store, select);
}
